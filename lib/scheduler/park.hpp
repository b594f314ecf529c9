#pragma once
// The one primitive that suspends: park with an abort hook. Awaiting, sleeping, waiting for I/O and
// for worker threads stand on it.
//
// asyncio's rules, seen from here:
// 1. A request that is pending when a fiber parks is applied to what it parks on, at once
//    (Task.__step: `if self._must_cancel: if fut.cancel(): self._must_cancel = False`).
// 2. A request to a parked fiber goes to what it waits for; only when that refuses does it stay
//    pending (Task.cancel).
// 3. While the fiber unwinds or a defer_cancel lives, requests stay pending: a destructor cannot
//    throw. They are delivered at the first cancellable suspension after.

#include "fiber/fiber.hpp"
#include "scheduler/scheduler.hpp"

#include <brio/error.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace brio::inline v0 {
namespace detail {

[[noreturn]] void throw_no_fiber(const char* call);
/// The running fiber; usage_error, naming `call`, where there is none.
inline fiber& require_fiber(const char* call) {
    fiber* const self = this_fiber();
    if (self == nullptr) throw_no_fiber(call);
    return *self;
}
/// The running loop; usage_error, naming `call`, where there is none.
scheduler& require_scheduler(const char* call);

/// Whether a cancel may be delivered to the running fiber `self` now.
[[nodiscard]] inline bool may_cancel(const fiber& self) noexcept {
    return self.deferred == 0 && self.owner.uncaught_exceptions() == 0;
}
/// Rule 1.
void abort_at_once(fiber& self, wait_hook& hook) noexcept;
/// Suspends the running fiber until scheduler::wake, or until its node has been run off a callback
/// list. Throws nothing: what came of the wait is in the hook and in self.cancel_pending.
inline void park(fiber& self, wait_hook& hook) noexcept {
    self.cancellable = may_cancel(self);
    self.waiting_for = &hook;
    self.state = fiber::status::parked;
    if (self.cancel_pending) [[unlikely]]
        abort_at_once(self, hook);
    self.owner.park();
    self.waiting_for = nullptr;
}
/// Asks `f` to stop. Loop thread.
void request_cancel(fiber& f, std::string_view message) noexcept;
/// For what `f` parks on next.
void leave_cancel_pending(fiber& f, std::string_view message) noexcept;
void deliver_pending_cancel(fiber& self);
/// The future that `f` awaits; null when it waits for something else, or for nothing.
[[nodiscard]] inline future_core* future_awaited_by(const fiber& f) noexcept {
    return f.waiting_for != nullptr ? f.waiting_for->awaits() : nullptr;
}
/// Throws the pending request, if there is one and it may be delivered now.
inline void deliver_cancel(fiber& self) {
    if (self.cancel_pending) [[unlikely]]
        deliver_pending_cancel(self);
}
/// Takes the pending request: the error to throw for it.
[[nodiscard]] cancelled_error take_cancel(fiber& self);

/// A wait that belongs to one fiber alone: what asyncio makes a private future for. Use: construct
/// on the waiting fiber's stack, let somebody keep a pointer, wait(); the other calls finish().
///
///   pending -> finished | cancelled | interrupted, for good
class private_wait : public wait_hook {
public:
    explicit private_wait(fiber& self) noexcept : fiber_(self) {}

    /// Suspends until finish(); not at all when that was before. Throws cancelled_error when the
    /// fiber is cancelled first: then withdraw() has been called and finish() has no effect.
    void wait() {
        if (done()) return;
        parked_ = true;
        park(fiber_, *this);
        if (cancelled()) [[unlikely]]
            throw_cancelled();
        deliver_cancel(fiber_);
    }
    /// The first call wakes the fiber, in the next turn; later ones do nothing.
    void finish() noexcept {
        if (done()) return;
        state_ = state::finished;
        wake();
    }
    [[nodiscard]] bool done() const noexcept { return state_ != state::pending; }
    [[nodiscard]] bool cancelled() const noexcept { return state_ == state::cancelled; }

    bool abort(std::string_view message) noexcept final;

protected:
    ~private_wait() = default;
    /// Called when the wait ends early: leave the lists that lead here.
    virtual void withdraw() noexcept {}
    /// For interrupt(), of those that can end without what they wait for: wait() returns.
    void end_early() noexcept;
    [[nodiscard]] fiber& waiter() const noexcept { return fiber_; }

private:
    enum class state : unsigned char { pending, finished, cancelled, interrupted };
    void wake() noexcept {
        if (!parked_) return;
        fiber_.owner.touched_from_outside();
        fiber_.owner.wake(fiber_);
    }
    [[noreturn]] void throw_cancelled();

    fiber& fiber_;
    state state_ = state::pending;
    bool parked_ = false;
    std::optional<std::string> message_;
};

}  // namespace detail
}  // namespace brio::inline v0
