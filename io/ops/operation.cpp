#include "ops/operation.hpp"

#include "scheduler/park.hpp"
#include "scheduler/scheduler.hpp"

#include <cerrno>
#include <iterator>
#include <string_view>
#include <system_error>

namespace brio::inline v0 {
namespace detail {

namespace {

constexpr std::string_view names[] = {
    "nop",     "read",   "write",   "readv", "writev", "recv",  "send",  "recvmsg",
    "sendmsg", "accept", "connect", "poll",  "openat", "close", "fsync", "statx",
};
static_assert(std::size(names) == static_cast<std::size_t>(operation::code::statx) + 1);

/// One submission of one operation.
///
/// The timer's entry may lie in the ready queue only between the loop's step 2 and the end of the
/// turn, and operations complete in step 1: so when `completed` is called the timer is either in
/// the heap, and is disarmed there, or has run. It never outlives this object.
class operation_wait final : public wait_hook {
public:
    operation_wait(fiber& self, reactor& r, operation& op) noexcept
        : self_(self), reactor_(r), op_(op), limit_(*this) {
        op.owner = this;
        op.completed = [](operation& done) noexcept {
            static_cast<operation_wait*>(done.owner)->finish();
        };
    }

    void end_at(time_point when) { self_.owner.arm(limit_, when); }
    void wait() noexcept {
        reactor_.submit(op_);
        park(self_, *this);
    }
    /// The kernel gave up because it was asked to. -EINTR: it was at work in a kernel thread.
    [[nodiscard]] bool was_stopped() const noexcept {
        return asked_ && (op_.result == -ECANCELED || op_.result == -EINTR);
    }
    [[nodiscard]] bool timed_out() const noexcept { return timed_out_; }

    bool abort(std::string_view) noexcept override {
        if (op_.what != operation::code::close) stop();
        return false;
    }
    std::string describe() const override { return detail::describe(op_); }

private:
    struct limit final : timer {
        explicit limit(operation_wait& w) noexcept
            : timer(kind::bookkeeping,
                    [](ready_node& node, fate f) {
                        if (f == fate::run) static_cast<limit&>(node).wait.expire();
                    }),
              wait(w) {}
        operation_wait& wait;
    };

    void expire() noexcept {
        timed_out_ = true;
        stop();
    }
    void stop() noexcept {
        if (completed_) return;
        asked_ = true;
        reactor_.cancel(op_);
    }
    void finish() noexcept {
        completed_ = true;
        self_.owner.disarm(limit_);
        self_.owner.wake(self_);
    }

    fiber& self_;
    reactor& reactor_;
    operation& op_;
    limit limit_;
    bool completed_ = false;
    bool asked_ = false;  // reactor::cancel was called
    bool timed_out_ = false;
};

bool cancel_is_due(const fiber& self, const operation& op) noexcept {
    return self.cancel_pending && op.what != operation::code::close && may_interrupt(self);
}

/// The loop's reactor; null, and `error` set, when there is none to be had.
reactor* reactor_of(fiber& self, int& error) noexcept try {
    return &self.owner.io();
} catch (const std::system_error& e) {
    error = -e.code().value();
    return nullptr;
} catch (...) {
    error = -EINVAL;  // an unknown name in BRIO_REACTOR
    return nullptr;
}

}  // namespace

int perform(operation& op, std::optional<time_point> until) noexcept {
    fiber& self = *this_fiber();
    int error = 0;
    reactor* const io = reactor_of(self, error);
    if (io == nullptr) return error;
    for (;;) {
        if (cancel_is_due(self, op)) return -ECANCELED;
        operation_wait wait(self, *io, op);
        if (until) wait.end_at(*until);
        wait.wait();
        if (!wait.was_stopped()) return op.result;
        if (cancel_is_due(self, op)) return -ECANCELED;
        if (wait.timed_out()) return -ETIME;
        // The cancel was withdrawn (uncancel) before it could be delivered: nobody may notice.
    }
}

std::string describe(const operation& op) {
    std::string text(names[static_cast<std::size_t>(op.what)]);
    if (op.what == operation::code::openat || op.what == operation::code::statx)
        return text + " of " + static_cast<const char*>(op.address);
    return op.fd < 0 ? text : text + " of descriptor " + std::to_string(op.fd);
}

}  // namespace detail
}  // namespace brio::inline v0
