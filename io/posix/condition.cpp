// pthread_cond_* and C11's cnd_*.
//
// 1. A fiber waits in the parking lot. libc's own waiters are threads; who signals looks for a fiber
//    first, and broadcasts to both.
// 2. A fiber is linked before it releases the mutex, so a signal that follows finds it.
// 3. Conditions that processes share are libc's own: a signal of another process would miss the fiber.

#include "posix/caller.hpp"
#include "posix/interpose.hpp"
#include "posix/mutex.hpp"
#include "posix/parking.hpp"
#include "posix/real.hpp"
#include "posix/threads.hpp"

#include <climits>
#include <pthread.h>
#include <threads.h>

namespace brio::inline v0::detail::posix {

namespace {

// Bits of __wrefs.
constexpr unsigned shared_between_processes = 1;
constexpr unsigned on_monotonic_clock = 2;

clockid_t clock_of(const pthread_cond_t* c) noexcept {
    return (c->__data.__wrefs & on_monotonic_clock) != 0 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
}

int wait_on_fiber(fiber& self, pthread_cond_t* c, pthread_mutex_t* m,
                  std::optional<time_point> until) {
    bool woken = false;
    {
        parked here(self, c, "condition");
        if (const int error = ::pthread_mutex_unlock(m); error != 0) return error;
        woken = here.wait(until);
    }
    const int locked = ::pthread_mutex_lock(m);
    if (locked != 0) return locked;
    return woken ? 0 : ETIMEDOUT;
}

/// `end`: null for no end. `plain`: the call on a plain thread.
template <class Plain>
int wait_until(pthread_cond_t* c, pthread_mutex_t* m, clockid_t clock, const timespec* end,
               Plain plain) {
    fiber* const self = served_fiber();
    const bool is_shared = (c->__data.__wrefs & shared_between_processes) != 0;
    if (self == nullptr || self->passthrough || is_shared) {
        const int answered = plain();
        if (self != nullptr) note_owner(m, *self);  // libc has unlocked it meanwhile
        return answered;
    }
    std::optional<time_point> until;
    if (end != nullptr) {
        until = is_valid_nanoseconds(*end) ? point_on(*self, clock, *end) : std::nullopt;
        if (!until) return EINVAL;
    }
    return wait_on_fiber(*self, c, m, until);
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

int brio_posix_pthread_cond_wait(pthread_cond_t* c, pthread_mutex_t* m) {
    return wait_until(c, m, CLOCK_REALTIME, nullptr, [=] { return real.pthread_cond_wait(c, m); });
}
int brio_posix_pthread_cond_timedwait(pthread_cond_t* c, pthread_mutex_t* m, const timespec* end) {
    return wait_until(c, m, clock_of(c), end,
                      [=] { return real.pthread_cond_timedwait(c, m, end); });
}
int brio_posix_pthread_cond_clockwait(pthread_cond_t* c, pthread_mutex_t* m, clockid_t clock,
                                      const timespec* end) {
    return wait_until(c, m, clock, end,
                      [=] { return real.pthread_cond_clockwait(c, m, clock, end); });
}
int brio_posix_pthread_cond_signal(pthread_cond_t* c) noexcept {
    return unpark(c, 1) > 0 ? 0 : real.pthread_cond_signal(c);
}
int brio_posix_pthread_cond_broadcast(pthread_cond_t* c) noexcept {
    unpark(c, INT_MAX);
    return real.pthread_cond_broadcast(c);
}

// A cnd_t is a pthread_cond_t, a mtx_t a pthread_mutex_t.

int brio_posix_cnd_wait(cnd_t* c, mtx_t* m) {
    return as_thrd(brio_posix_pthread_cond_wait(reinterpret_cast<pthread_cond_t*>(c),
                                                reinterpret_cast<pthread_mutex_t*>(m)));
}
int brio_posix_cnd_timedwait(cnd_t* c, mtx_t* m, const timespec* end) {
    return as_thrd(brio_posix_pthread_cond_timedwait(reinterpret_cast<pthread_cond_t*>(c),
                                                     reinterpret_cast<pthread_mutex_t*>(m), end));
}
int brio_posix_cnd_signal(cnd_t* c) noexcept {
    return as_thrd(brio_posix_pthread_cond_signal(reinterpret_cast<pthread_cond_t*>(c)));
}
int brio_posix_cnd_broadcast(cnd_t* c) noexcept {
    return as_thrd(brio_posix_pthread_cond_broadcast(reinterpret_cast<pthread_cond_t*>(c)));
}

}  // extern "C"

BRIO_INTERPOSE(pthread_cond_wait);
BRIO_INTERPOSE(pthread_cond_timedwait);
BRIO_INTERPOSE(pthread_cond_clockwait);
BRIO_INTERPOSE(pthread_cond_signal);
BRIO_INTERPOSE(pthread_cond_broadcast);
BRIO_INTERPOSE(cnd_wait);
BRIO_INTERPOSE(cnd_timedwait);
BRIO_INTERPOSE(cnd_signal);
BRIO_INTERPOSE(cnd_broadcast);
