// Timeout scopes, as asyncio/timeouts.py has them.

#include "scheduler/park.hpp"
#include "task/loop_core.hpp"

#include <brio/error.hpp>
#include <brio/timeout.hpp>

#include <string>

namespace brio::inline v0 {

timeout_scope::timeout_scope(delay d) : delay_(d.get()) {}
timeout_scope::timeout_scope(deadline when) : when_(when.get()) {}
timeout_scope::~timeout_scope() {
    timer_.cancel();
}

void timeout_scope::enter() {
    if (state_ != state::created)
        throw usage_error("timeout_scope::run: it has been entered already");
    detail::require_fiber("timeout_scope::run");
    task_ = current_task();
    cancelling_ = task_.cancelling();
    if (delay_) when_ = detail::after(clock::now(), *delay_);
    state_ = state::entered;
    arm();
}

void timeout_scope::arm() {
    timer_.cancel();
    timer_ = {};
    if (!when_) return;
    event_loop& loop = task_.get_loop();
    if (*when_ <= loop.time())
        timer_ = loop.call_soon([this] { on_timeout(); });
    else
        timer_ = loop.call_at(*when_, [this] { on_timeout(); });
}

void timeout_scope::on_timeout() {
    timer_ = {};
    state_ = state::expiring;
    task_.cancel();
}

void timeout_scope::reschedule(deadline when) {
    switch (state_) {
        case state::entered:
            when_ = when.get();
            return arm();
        case state::created:
            throw usage_error("timeout_scope::reschedule: run() has not begun");
        case state::expiring:
            throw usage_error("timeout_scope::reschedule: the time is up already");
        case state::expired:
        case state::exited:
            throw usage_error("timeout_scope::reschedule: run() has ended");
    }
}

/// True when the time was up and nobody else has cancelled the task.
bool timeout_scope::end() {
    timer_.cancel();
    timer_ = {};
    if (state_ != state::expiring) {
        state_ = state::exited;
        return false;
    }
    state_ = state::expired;
    return task_.uncancel() <= cancelling_;
}

void timeout_scope::leave() {
    detail::fiber& self = detail::require_fiber("timeout_scope::run");
    const bool c_code_was_cut_short = self.cancel_pending && self.cancel_told_to_c;
    if (!end() || !c_code_was_cut_short) return;
    self.cancel_told_to_c = false;
    self.owner.set_cancel_pending(self, false);
    throw timeout_error();
}

void timeout_scope::leave_by_exception() {
    const bool left_already = state_ == state::expired || state_ == state::exited;
    if (left_already || !end()) return;
    try {
        throw;
    } catch (const cancelled_error&) {
        throw timeout_error();
    } catch (...) {
    }
}

defer_cancel::defer_cancel() noexcept : fiber_(detail::this_fiber()) {
    if (fiber_ != nullptr) ++fiber_->deferred;
}
defer_cancel::~defer_cancel() {
    if (fiber_ != nullptr) --fiber_->deferred;
}

}  // namespace brio::inline v0
