#include "scheduler/park.hpp"

#include <brio/error.hpp>

namespace brio::inline v0 {
namespace detail {

void throw_no_fiber(const char* call) {
    throw usage_error(std::string(call) +
                      " suspends, so it must be called in a task: start it with brio::run or "
                      "brio::create_task");
}

scheduler& require_scheduler(const char* call) {
    scheduler* const loop = this_scheduler();
    if (loop == nullptr)
        throw usage_error(std::string(call) + " needs a running loop on this thread: brio::run");
    return *loop;
}

void abort_at_once(fiber& self, wait_hook& hook) noexcept {
    if (self.cancellable && hook.abort(message_view(self.cancel_message)))
        self.owner.set_cancel_pending(self, false);
}

void request_cancel(fiber& f, std::string_view message) noexcept {
    if (f.waiting_for != nullptr && f.cancellable && f.waiting_for->abort(message)) return;
    leave_cancel_pending(f, message);
}

void leave_cancel_pending(fiber& f, std::string_view message) noexcept {
    f.owner.set_cancel_pending(f, true);
    f.cancel_message = owned_message(message);
}

cancelled_error take_cancel(fiber& self) {
    self.owner.set_cancel_pending(self, false);
    self.cancel_told_to_c = false;
    return self.cancel_message ? cancelled_error(*self.cancel_message) : cancelled_error();
}

void deliver_pending_cancel(fiber& self) {
    if (may_cancel(self)) throw take_cancel(self);
}

bool private_wait::abort(std::string_view message) noexcept {
    if (done()) return false;
    state_ = state::cancelled;
    message_ = owned_message(message);
    withdraw();
    wake();
    return true;
}

void private_wait::end_early() noexcept {
    if (done()) return;
    state_ = state::interrupted;
    withdraw();
    wake();
}

void private_wait::throw_cancelled() {
    fiber_.owner.set_cancel_pending(fiber_, false);
    throw message_ ? cancelled_error(*message_) : cancelled_error();
}

}  // namespace detail
}  // namespace brio
