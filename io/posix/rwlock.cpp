// pthread_rwlock_*: tried, and where that says EBUSY waited for in the parking lot until somebody has
// released it through the hook here. libc itself releases no lock of the program's.
//
// 1. Who releases looks for waiters afterwards; who waits is linked before he tries once more. So one
//    of the two sees the other.
// 2. A lock held for writing belongs to the fiber, which is noted in a field that libc does not use:
//    libc would answer EDEADLK to each fiber of the thread.
// 3. Locks that processes share are libc's own.
// 4. Not cut short by a cancel: callers ignore the result.

#include "posix/caller.hpp"
#include "posix/interpose.hpp"
#include "posix/parking.hpp"
#include "posix/real.hpp"
#include "posix/threads.hpp"

#include <climits>
#include <pthread.h>

namespace brio::inline v0::detail::posix {

namespace {

enum class side { reading, writing };

bool written_by_this_thread(pthread_rwlock_t* lock) noexcept {
    return std::atomic_ref(lock->__data.__cur_writer).load(std::memory_order_relaxed) ==
           this_thread_id();
}
bool written_by(const fiber& self, pthread_rwlock_t* lock) noexcept {
    return written_by_this_thread(lock) &&
           lock->__data.__pad2 == reinterpret_cast<unsigned long>(&self);
}

int try_lock(fiber& self, pthread_rwlock_t* lock, side s) noexcept {
    if (s == side::reading) return real.pthread_rwlock_tryrdlock(lock);
    const int tried = real.pthread_rwlock_trywrlock(lock);
    if (tried == 0) lock->__data.__pad2 = reinterpret_cast<unsigned long>(&self);
    return tried;
}

int lock_on_fiber(fiber& self, pthread_rwlock_t* lock, side s,
                  std::optional<time_point> until) noexcept {
    for (;;) {
        int tried = try_lock(self, lock, s);
        if (tried != EBUSY) return tried;
        if (written_by(self, lock)) return EDEADLK;
        parked here(self, lock, "rwlock");
        tried = try_lock(self, lock, s);
        if (tried != EBUSY) return tried;
        if (!here.wait(until)) return ETIMEDOUT;
    }
}

/// `end`: null for no end. `plain`: the call on a plain thread.
template <class Plain>
int lock_until(pthread_rwlock_t* lock, side s, clockid_t clock, const timespec* end,
               Plain plain) noexcept {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || lock->__data.__shared != 0) return plain();
    std::optional<time_point> until;
    if (end != nullptr) {
        until = is_valid_nanoseconds(*end) ? point_on(*self, clock, *end) : std::nullopt;
        if (!until) return EINVAL;
    }
    return lock_on_fiber(*self, lock, s, until);
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

int brio_posix_pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
    return lock_until(lock, side::reading, CLOCK_REALTIME, nullptr,
                      [=] { return real.pthread_rwlock_rdlock(lock); });
}
int brio_posix_pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
    return lock_until(lock, side::writing, CLOCK_REALTIME, nullptr,
                      [=] { return real.pthread_rwlock_wrlock(lock); });
}
int brio_posix_pthread_rwlock_timedrdlock(pthread_rwlock_t* lock, const timespec* end) noexcept {
    return lock_until(lock, side::reading, CLOCK_REALTIME, end,
                      [=] { return real.pthread_rwlock_timedrdlock(lock, end); });
}
int brio_posix_pthread_rwlock_timedwrlock(pthread_rwlock_t* lock, const timespec* end) noexcept {
    return lock_until(lock, side::writing, CLOCK_REALTIME, end,
                      [=] { return real.pthread_rwlock_timedwrlock(lock, end); });
}
int brio_posix_pthread_rwlock_clockrdlock(pthread_rwlock_t* lock, clockid_t clock,
                                          const timespec* end) noexcept {
    return lock_until(lock, side::reading, clock, end,
                      [=] { return real.pthread_rwlock_clockrdlock(lock, clock, end); });
}
int brio_posix_pthread_rwlock_clockwrlock(pthread_rwlock_t* lock, clockid_t clock,
                                          const timespec* end) noexcept {
    return lock_until(lock, side::writing, clock, end,
                      [=] { return real.pthread_rwlock_clockwrlock(lock, clock, end); });
}
int brio_posix_pthread_rwlock_trywrlock(pthread_rwlock_t* lock) noexcept {
    fiber* const self = suspendable_fiber();
    return self == nullptr ? real.pthread_rwlock_trywrlock(lock)
                           : try_lock(*self, lock, side::writing);
}
int brio_posix_pthread_rwlock_unlock(pthread_rwlock_t* lock) noexcept {
    if (this_scheduler() != nullptr && written_by_this_thread(lock)) lock->__data.__pad2 = 0;
    const int unlocked = real.pthread_rwlock_unlock(lock);
#if !defined(__x86_64__)  // there the release is a fence
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
    unpark(lock, INT_MAX);
    return unlocked;
}

}  // extern "C"

BRIO_INTERPOSE(pthread_rwlock_rdlock);
BRIO_INTERPOSE(pthread_rwlock_wrlock);
BRIO_INTERPOSE(pthread_rwlock_timedrdlock);
BRIO_INTERPOSE(pthread_rwlock_timedwrlock);
BRIO_INTERPOSE(pthread_rwlock_clockrdlock);
BRIO_INTERPOSE(pthread_rwlock_clockwrlock);
BRIO_INTERPOSE(pthread_rwlock_trywrlock);
BRIO_INTERPOSE(pthread_rwlock_unlock);
