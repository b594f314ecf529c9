// One poll operation of the reactor for each descriptor, the first that answers ends the wait.
//
// The signal mask of ppoll and pselect is the thread's, and other fibers run meanwhile, so it is not
// changed. What the caller wants is to be woken by signals that are blocked now and that its mask
// lets through: a signalfd shows when one is pending, without taking it. The system call that asks
// for the answer is given the mask, and there the signal is delivered.

#include "posix/readiness.hpp"

#include "base/system_call.hpp"
#include "ops/operation.hpp"
#include "posix/caller.hpp"
#include "posix/interruption.hpp"
#include "posix/signal_descriptor.hpp"

#include <array>
#include <cerrno>
#include <memory>
#include <new>

namespace brio::inline v0::detail::posix {

namespace {

/// Readable while a signal is pending that is blocked now, but not in `mask`; none when there is no
/// such signal.
class let_through final : public signal_descriptor {
public:
    explicit let_through(const sigset_t* mask) noexcept {
        if (mask == nullptr) return;
        sigset_t awaited;
        ::sigemptyset(&awaited);
        system_call(SYS_rt_sigprocmask, SIG_BLOCK, nullptr, &awaited, kernel_sigset_size);
        bool any = false;
        for (int signal = 1; signal < _NSIG; ++signal) {
            if (::sigismember(&awaited, signal) != 1) continue;
            if (::sigismember(mask, signal) == 1)
                ::sigdelset(&awaited, signal);
            else
                any = true;
        }
        if (any) open(awaited);
    }
};

operation poll_operation(int fd, short events) noexcept {
    operation op;
    op.what = operation::code::poll;
    op.fd = fd;
    op.flags = static_cast<std::uint16_t>(events);
    return op;
}

/// The operations of one wait; a few need no allocation, for libcurl waits on one or two.
class operations {
public:
    /// False: out of memory.
    [[nodiscard]] bool reserve(std::size_t count) noexcept {
        if (count <= few_.size()) return true;
        many_.reset(new (std::nothrow) operation[count]);
        all_ = many_.get();
        return all_ != nullptr;
    }
    void add(int fd, short events) noexcept { all_[count_++] = poll_operation(fd, events); }
    [[nodiscard]] std::span<operation> get() const noexcept { return {all_, count_}; }

private:
    std::array<operation, 4> few_;
    std::unique_ptr<operation[]> many_;
    operation* all_ = few_.data();
    std::size_t count_ = 0;
};

}  // namespace

int wait_until_ready(std::span<pollfd> items, const sigset_t* mask,
                     std::optional<time_point> until) noexcept {
    fiber& self = *this_fiber();
    const interruptible here(self, restarts::never);
    const let_through signals(mask);
    const int signal_fd = signals.get();
    if (signal_fd < 0 && signal_fd != signal_descriptor::none) return signal_fd;
    operations ops;
    if (!ops.reserve(items.size() + 1)) return -ENOMEM;
    for (const pollfd& item : items)
        if (item.fd >= 0) ops.add(item.fd, item.events);
    if (signal_fd >= 0) ops.add(signal_fd, POLLIN);

    begin_wait(self);
    if (here.jumped_out()) return -EINTR;
    const int ended = perform_any(ops.get(), until);
    if (ended < 0) return ended;
    std::size_t i = 0;
    for (pollfd& item : items) {
        item.revents = 0;
        if (item.fd < 0) continue;
        const int result = ops.get()[i++].result;
        if (result > 0) item.revents = static_cast<short>(result);
        if (result < 0 && result != -ECANCELED && result != -EBADF) return result;
    }
    return 0;
}

short events_now(int fd, short events) noexcept {
    pollfd item = {fd, events, 0};
    timespec none = {};
    const long ready = system_call(SYS_ppoll, &item, 1, &none, nullptr, 0);
    return ready > 0 ? item.revents : short{0};
}

long wait_for_events(fiber& self, kept_open& file, short events,
                     std::optional<time_point> until) noexcept {
    file.keep();
    operation op = poll_operation(file.fd(), events);
    return wait_for(self, op, until);
}

}  // namespace brio::inline v0::detail::posix
