#include "posix/caller.hpp"

#include <atomic>

namespace brio::inline v0::detail::posix {

namespace {

constinit std::atomic<bool> aside{false};
constinit thread_local const scheduler* left_behind = nullptr;
constinit thread_local unsigned refusals = 0;

}  // namespace

void stand_aside() noexcept { aside.store(true, std::memory_order_relaxed); }
bool standing_aside() noexcept { return aside.load(std::memory_order_relaxed); }
void loop_was_left_behind() noexcept { left_behind = this_scheduler(); }

fiber* suspendable_fiber() noexcept {
    const scheduler* const loop = this_scheduler();
    if (loop == nullptr) [[likely]]
        return nullptr;
    fiber* const self = loop->current();
    if (self == nullptr || self->passthrough || loop == left_behind || standing_aside())
        return nullptr;
    return self;
}

long tell_cancelled(fiber& self) noexcept {
    self.cancel_told_to_c = true;
    return -ECANCELED;
}

bool refused(fiber& self) noexcept {
    if (!cancel_is_due(self)) [[likely]]
        return false;
    if (++refusals % 8 == 0) self.owner.yield();
    if (!cancel_is_due(self)) return false;
    tell_cancelled(self);
    return true;
}

long wait_for(fiber& self, operation& op, std::optional<time_point> until) noexcept {
    for (;;) {
        const int result = perform(op, until);
        if (result == -ECANCELED) return tell_cancelled(self);
        if (result != -EINTR) return result;
    }
}

}  // namespace brio::inline v0::detail::posix
