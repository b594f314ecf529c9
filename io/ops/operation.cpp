#include "ops/operation.hpp"

#include "scheduler/park.hpp"
#include "scheduler/scheduler.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace brio::inline v0 {
namespace detail {

namespace {

/// One submission of one operation without a deadline: what nearly all I/O is. On as few cache lines
/// as can be, for a server with thousands of connections finds none of them in the cache: a
/// completion touches the operation and the fiber, and not this object.
class single_wait final : public wait_hook {
public:
    single_wait(fiber& self, reactor& r, operation& op) noexcept : reactor_(r), op_(op) {
        op.owner = &self;
        op.completed = [](operation& done) noexcept {
            fiber& waiter = *static_cast<fiber*>(std::exchange(done.owner, nullptr));
            // Its frames; with 1,000 connections this is 5 % of a request.
            const auto top = static_cast<const char*>(waiter.saved.stack_pointer);
            __builtin_prefetch(top, 1);
            __builtin_prefetch(top + 64, 1);
            waiter.owner.wake(waiter);
        };
    }
    /// It did not end because it was asked to.
    [[nodiscard]] bool answered() const noexcept { return !asked_ || op_.result != -ECANCELED; }

    bool abort(std::string_view) noexcept override {
        interrupt();
        return false;
    }
    void interrupt() noexcept override {
        const bool in_flight = op_.owner != nullptr;
        if (!in_flight || asked_ || op_.what == operation::code::close) return;
        asked_ = true;
        reactor_.cancel(op_);
    }
    std::string describe() const override { return detail::describe(op_); }

private:
    reactor& reactor_;
    operation& op_;
    bool asked_ = false;  // reactor::cancel was called
};

/// One submission of some operations, of which one has to complete, perhaps by a deadline.
///
///   waiting (for the first) -> awake -> waiting_for_the_rest -> awake
///
/// With one operation, or none, the last two steps fall away.
///
/// The timer's entry may lie in the ready queue only between the loop's step 2 and the end of the
/// turn, and operations complete in step 1: so when one wakes the fiber the timer is either in the
/// heap, and is disarmed there, or has run. A sleep that is cancelled wakes behind it in the queue.
/// So it never outlives this object.
class operation_wait final : public wait_hook {
public:
    operation_wait(fiber& self, reactor* r, std::span<operation> ops) noexcept
        : self_(self), reactor_(r), ops_(ops), limit_(*this) {
        for (operation& op : ops_) {
            op.owner = this;
            op.completed = [](operation& done) noexcept {
                static_cast<operation_wait*>(std::exchange(done.owner, nullptr))->finish_one();
            };
        }
    }

    void end_at(time_point when) { self_.owner.arm(limit_, when); }
    void wait() noexcept {
        under_way_ = ops_.size();
        for (operation& op : ops_) reactor_->submit(op);
        park(self_, *this);
        if (under_way_ == 0) return;
        state_ = state::waiting_for_the_rest;
        stop();
        park(self_, *this);
    }
    /// Whether an operation has a result of its own: it did not end because it was asked to.
    [[nodiscard]] bool answered() const noexcept {
        return std::any_of(ops_.begin(), ops_.end(), [this](const operation& op) {
            return !asked_ || op.result != -ECANCELED;
        });
    }
    [[nodiscard]] bool timed_out() const noexcept { return timed_out_; }

    bool abort(std::string_view) noexcept override {
        interrupt();
        return false;
    }
    void interrupt() noexcept override {
        if (ops_.size() != 1 || ops_[0].what != operation::code::close) stop();
    }
    std::string describe() const override {
        if (ops_.empty()) return "sleep";
        std::string text = detail::describe(ops_[0]);
        if (ops_.size() > 1) text += " and " + std::to_string(ops_.size() - 1) + " more";
        return text;
    }

private:
    enum class state : unsigned char { waiting, awake, waiting_for_the_rest };

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
        if (ops_.empty()) return wake();
        if (asked_) return;
        asked_ = true;
        // Those that have completed are not the kernel's any more.
        for (operation& op : ops_)
            if (op.owner == this) reactor_->cancel(op);
    }
    void finish_one() noexcept {
        --under_way_;
        if (state_ == state::waiting || under_way_ == 0) wake();
    }
    void wake() noexcept {
        if (state_ == state::awake) return;
        state_ = state::awake;
        self_.owner.disarm(limit_);
        self_.owner.wake(self_);
    }

    fiber& self_;
    reactor* reactor_;  // null when there are no operations
    std::span<operation> ops_;
    limit limit_;
    std::size_t under_way_ = 0;
    state state_ = state::waiting;
    bool asked_ = false;  // reactor::cancel was called
    bool timed_out_ = false;
};

bool cancel_is_due(const fiber& self, std::span<const operation> ops) noexcept {
    const bool is_close = ops.size() == 1 && ops[0].what == operation::code::close;
    return self.cancel_pending && !is_close && may_cancel(self);
}

/// The loop's reactor; null, and `error` set, when there is none to be had.
reactor* reactor_of(fiber& self, int& error) noexcept try {
    return &self.owner.io();
} catch (const std::system_error& e) {
    error = -e.code().value();
    return nullptr;
} catch (const std::bad_alloc&) {
    error = -ENOMEM;
    return nullptr;
}

}  // namespace

int perform_any(std::span<operation> ops, std::optional<time_point> until) noexcept {
    fiber& self = *this_fiber();
    int error = 0;
    reactor* const io = ops.empty() ? nullptr : reactor_of(self, error);
    if (error != 0) return error;
    for (;;) {
        if (cancel_is_due(self, ops)) return -ECANCELED;
        operation_wait wait(self, io, ops);
        if (until) wait.end_at(*until);
        wait.wait();
        if (wait.answered()) return 0;
        if (cancel_is_due(self, ops)) return -ECANCELED;
        if (wait.timed_out()) return -ETIME;
        if (self.interrupted) return -EINTR;
        // The cancel was withdrawn (uncancel) before it could be delivered: nobody may notice.
    }
}

int perform(operation& op, std::optional<time_point> until) noexcept {
    if (until) {
        const int ended = perform_any({&op, 1}, until);
        return ended == 0 ? op.result : ended;
    }
    fiber& self = *this_fiber();
    int error = 0;
    reactor* const io = reactor_of(self, error);
    if (io == nullptr) return error;
    for (;;) {
        if (cancel_is_due(self, {&op, 1})) return -ECANCELED;
        single_wait wait(self, *io, op);
        io->submit(op);
        park(self, wait);
        if (wait.answered()) return op.result;
        if (self.interrupted && !cancel_is_due(self, {&op, 1})) return -EINTR;
        // Otherwise a cancel ended it: it is due now, or was withdrawn (uncancel) before it could be
        // delivered, and then nobody may notice.
    }
}

}  // namespace detail
}  // namespace brio::inline v0
