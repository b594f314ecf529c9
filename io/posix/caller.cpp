#include "posix/caller.hpp"

#include <atomic>
#include <cstdlib>

// vfork.cpp
extern "C"
    __attribute__((visibility("hidden"),
                   tls_model("initial-exec"))) constinit thread_local int brio_posix_vfork_children;

namespace brio::inline v0::detail::posix {

namespace {

enum class status : unsigned char { fresh, in_service, aside };
constinit std::atomic<status> service{status::fresh};

/// At the first call on a fiber. What exit() calls was registered by atexit and by static objects;
/// handlers run in reverse order, so this one comes before the destructors of what lives since before
/// the loop.
bool begin_service() noexcept {
    status expected = status::fresh;
    if (service.compare_exchange_strong(expected, status::in_service)) std::atexit(&stand_aside);
    return service.load() == status::in_service;
}
constinit thread_local const scheduler* left_behind = nullptr;
constinit thread_local unsigned refusals = 0;

}  // namespace

void stand_aside() noexcept {
    service.store(status::aside);
}
void loop_was_left_behind() noexcept {
    left_behind = this_scheduler();
}

fiber* served_fiber() noexcept {
    const scheduler* const loop = this_scheduler();
    if (loop == nullptr) [[likely]]
        return nullptr;
    fiber* const self = loop->current();
    if (self == nullptr || loop == left_behind || in_signal_handler::anywhere() ||
        brio_posix_vfork_children != 0)
        return nullptr;
    if (service.load(std::memory_order_relaxed) != status::in_service && !begin_service())
        return nullptr;
    return self;
}

fiber* suspendable_fiber() noexcept {
    fiber* const self = served_fiber();
    return self == nullptr || self->passthrough ? nullptr : self;
}

bool on_loop_stack() noexcept {
    const scheduler* const loop = this_scheduler();
    return loop != nullptr && loop->current() == nullptr && loop != left_behind &&
           service.load(std::memory_order_relaxed) == status::in_service;
}

void forget_in_reactor(int fd) noexcept {
    if (brio_posix_vfork_children != 0) return;
    if (scheduler* const loop = this_scheduler()) loop->forget_descriptor(fd);
}

long tell_cancelled(fiber& self) noexcept {
    self.cancel_told_to_c = true;
    return -ECANCELED;
}

bool refused(fiber& self) noexcept {
    if (!cancel_is_due(self)) [[likely]]
        return false;
    if (++refusals % 8 == 0) pass_turn(self);
    if (!cancel_is_due(self)) return false;
    tell_cancelled(self);
    return true;
}

long wait_for(fiber& self, operation& op, std::optional<time_point> until) noexcept {
    const interruptible here(self, until ? restarts::never : restarts::if_the_handler_says);
    begin_wait(self);
    while (!here.jumped_out()) {
        const int result = perform(op, until);
        if (result == -ECANCELED) return tell_cancelled(self);
        if (result != -EINTR || self.interrupted) return result;
    }
    return -EINTR;
}

long sleep_until(fiber& self, std::optional<time_point> until, restarts r) noexcept {
    const interruptible here(self, r);
    begin_wait(self);
    if (here.jumped_out()) return -EINTR;
    const int ended = perform_any({}, until);
    return ended == -ECANCELED ? tell_cancelled(self) : ended;
}

void pass_turn(fiber& self) noexcept {
    const interruptible here(self, restarts::always);
    self.owner.yield();
}

}  // namespace brio::inline v0::detail::posix
