// pthread_mutex_* and C11's mtx_*.
//
// 1. A lock is tried first. One that is held by a fiber of the same thread is waited for in the parking
//    lot: its release comes through the hook here, on this thread. One that is held elsewhere is waited
//    for at its futex word, as libc's own waiters do, so whoever releases it wakes the fiber, even from
//    inside libc (pthread_cond_wait of a plain thread).
// 2. libc's word: 0 free, 1 held, 2 held and somebody waits. Who has waited at the word leaves a 2 when
//    he holds it: others may wait still.
// 3. Recursive and error-checking mutexes belong to the fiber. libc knows only that the thread holds
//    them, so the fiber is noted in a field that libc uses for robust mutexes only; it means something
//    while the thread is the owner.
// 4. Robust, priority-inheriting and priority-protecting mutexes are libc's own: they block the thread.
// 5. Not cut short by a cancel: callers ignore the result and go on into the section.
//    Inside a passthrough_scope the thread is blocked, unless the holder is a fiber of the same thread:
//    that one has to run.
// 6. An allocator's locks are libc's own: its state is the thread's, and another fiber may not enter it
//    meanwhile.

#include "posix/mutex.hpp"

#include "posix/allocator.hpp"
#include "posix/caller.hpp"
#include "posix/deadlines.hpp"
#include "posix/futex.hpp"
#include "posix/interpose.hpp"
#include "posix/parking.hpp"
#include "posix/real.hpp"
#include "posix/threads.hpp"

#include <atomic>
#include <pthread.h>
#include <threads.h>

namespace brio::inline v0::detail::posix {

namespace {

constexpr int kind_mask = 3;
constexpr int special_kinds = 16 | 32 | 64;  // robust, priority-inheriting, priority-protecting
constexpr int shared_kind = 128;
constexpr unsigned held_and_waited_for = 2;

/// libc's mutex, by the layout that its public headers give.
class mutex_view {
public:
    explicit mutex_view(pthread_mutex_t* m) noexcept : mutex_(*m) {}

    [[nodiscard]] bool is_special() const noexcept {
        return (mutex_.__data.__kind & special_kinds) != 0;
    }
    [[nodiscard]] bool is_shared() const noexcept {
        return (mutex_.__data.__kind & shared_kind) != 0;
    }
    [[nodiscard]] bool belongs_to_fiber() const noexcept {
        const int kind = mutex_.__data.__kind & kind_mask;
        return kind == PTHREAD_MUTEX_RECURSIVE || kind == PTHREAD_MUTEX_ERRORCHECK;
    }
    [[nodiscard]] bool held_by_this_thread() noexcept {
        return std::atomic_ref(mutex_.__data.__owner).load(std::memory_order_relaxed) ==
               this_thread_id();
    }
    /// Precondition of all three: the thread holds it.
    [[nodiscard]] bool is_held_once() const noexcept { return mutex_.__data.__count <= 1; }
    [[nodiscard]] void* owner() const noexcept { return mutex_.__data.__list.__next; }
    void set_owner(fiber* f) noexcept {
        mutex_.__data.__list.__next = reinterpret_cast<decltype(mutex_.__data.__list.__next)>(f);
    }
    [[nodiscard]] bool held_by_another_fiber(const fiber* self) noexcept {
        return belongs_to_fiber() && held_by_this_thread() && owner() != self;
    }

    [[nodiscard]] std::atomic_ref<int> word() noexcept {
        return std::atomic_ref(mutex_.__data.__lock);
    }
    /// False: it has just been released.
    [[nodiscard]] bool announce_waiter() noexcept {
        int held = 1;
        return word().compare_exchange_strong(held, held_and_waited_for) ||
               held == held_and_waited_for;
    }

private:
    pthread_mutex_t& mutex_;
};

/// What pthread_mutex_trylock answers `self`; null: a callback on the loop's own stack.
int try_lock(fiber* self, pthread_mutex_t* m) noexcept {
    mutex_view view(m);
    if (view.held_by_another_fiber(self)) return EBUSY;
    const int tried = real.pthread_mutex_trylock(m);
    if (tried == 0 && view.belongs_to_fiber()) view.set_owner(self);
    return tried;
}

/// Not for who holds it already. `until`: none, or when to answer ETIMEDOUT. EBUSY: the thread is to wait.
int lock_waiting(fiber& self, pthread_mutex_t* m, std::optional<time_point> until) noexcept {
    mutex_view view(m);
    bool waited_at_word = false;
    for (;;) {
        const int tried = try_lock(&self, m);
        if (tried != EBUSY) {
            if (tried == 0 && waited_at_word) view.word().store(held_and_waited_for);
            return tried;
        }
        if (until && self.owner.now() >= *until) return ETIMEDOUT;
        if (view.held_by_this_thread()) {
            parked(self, m, "mutex").wait(until);
        } else if (self.passthrough) {
            return EBUSY;
        } else if (view.announce_waiter()) {
            waited_at_word = true;
            futex_wait(self, {&m->__data.__lock, held_and_waited_for, !view.is_shared()}, until);
        }
    }
}

/// `plain`: the call on a plain thread.
template <class Plain>
int lock_on_fiber(fiber& self, pthread_mutex_t* m, std::optional<time_point> until,
                  Plain plain) noexcept {
    mutex_view view(m);
    if (view.is_special()) return plain();
    if (view.belongs_to_fiber() && view.held_by_this_thread() && view.owner() == &self)
        return real.pthread_mutex_lock(m);  // once more, or EDEADLK
    int locked = lock_waiting(self, m, until);
    if (locked != EBUSY) return locked;
    locked = plain();
    if (locked == 0 && view.belongs_to_fiber()) view.set_owner(&self);
    return locked;
}

/// The note goes with the lock: whoever holds it next on this thread, outside fibers perhaps, leaves none.
int unlock_on_loop_thread(fiber* self, pthread_mutex_t* m) noexcept {
    mutex_view view(m);
    if (!view.is_special() && view.belongs_to_fiber() && view.held_by_this_thread()) {
        if (view.owner() != self) return EPERM;
        if (view.is_held_once()) view.set_owner(nullptr);
    }
    const int unlocked = real.pthread_mutex_unlock(m);
    if (unlocked == 0) unpark(m, 1);
    return unlocked;
}

/// pthread_mutex_clocklock; `plain`: the call on a plain thread.
template <class Plain>
int lock_until(pthread_mutex_t* m, clockid_t clock, const timespec* end, Plain plain) noexcept {
    fiber* const self = served_fiber();
    if (self == nullptr || mutex_view(m).is_special()) return plain();
    const int tried = try_lock(self, m);
    if (tried != EBUSY) return tried;
    if (!is_valid_nanoseconds(*end)) return EINVAL;
    const auto until = point_on(*self, clock, *end);
    return until ? lock_on_fiber(*self, m, *until, plain) : EINVAL;
}

}  // namespace

void note_owner(pthread_mutex_t* m, fiber& self) noexcept {
    mutex_view view(m);
    if (!view.is_special() && view.belongs_to_fiber() && view.held_by_this_thread())
        view.set_owner(&self);
}

}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

int brio_posix_pthread_mutex_lock(pthread_mutex_t* m) noexcept {
    if (this_scheduler() == nullptr) [[likely]]
        return real.pthread_mutex_lock(m);
    if (is_in_allocator(__builtin_return_address(0))) return real.pthread_mutex_lock(m);
    fiber* const self = served_fiber();
    const auto plain = [=] { return real.pthread_mutex_lock(m); };
    return self == nullptr ? plain() : lock_on_fiber(*self, m, {}, plain);
}

int brio_posix_pthread_mutex_trylock(pthread_mutex_t* m) noexcept {
    if (this_scheduler() == nullptr || mutex_view(m).is_special()) [[likely]]
        return real.pthread_mutex_trylock(m);
    return try_lock(served_fiber(), m);
}

int brio_posix_pthread_mutex_timedlock(pthread_mutex_t* m, const timespec* end) noexcept {
    return lock_until(m, CLOCK_REALTIME, end, [=] { return real.pthread_mutex_timedlock(m, end); });
}

int brio_posix_pthread_mutex_clocklock(pthread_mutex_t* m, clockid_t clock,
                                       const timespec* end) noexcept {
    return lock_until(m, clock, end, [=] { return real.pthread_mutex_clocklock(m, clock, end); });
}

int brio_posix_pthread_mutex_unlock(pthread_mutex_t* m) noexcept {
    if (this_scheduler() == nullptr) [[likely]]
        return real.pthread_mutex_unlock(m);
    return unlock_on_loop_thread(served_fiber(), m);
}

// A mtx_t is a pthread_mutex_t.

int brio_posix_mtx_lock(mtx_t* m) noexcept {
    return as_thrd(brio_posix_pthread_mutex_lock(reinterpret_cast<pthread_mutex_t*>(m)));
}
int brio_posix_mtx_trylock(mtx_t* m) noexcept {
    return as_thrd(brio_posix_pthread_mutex_trylock(reinterpret_cast<pthread_mutex_t*>(m)));
}
int brio_posix_mtx_timedlock(mtx_t* m, const timespec* end) noexcept {
    return as_thrd(brio_posix_pthread_mutex_timedlock(reinterpret_cast<pthread_mutex_t*>(m), end));
}
int brio_posix_mtx_unlock(mtx_t* m) noexcept {
    return as_thrd(brio_posix_pthread_mutex_unlock(reinterpret_cast<pthread_mutex_t*>(m)));
}

}  // extern "C"

BRIO_INTERPOSE(pthread_mutex_lock);
BRIO_INTERPOSE(pthread_mutex_trylock);
BRIO_INTERPOSE(pthread_mutex_timedlock);
BRIO_INTERPOSE(pthread_mutex_clocklock);
BRIO_INTERPOSE(pthread_mutex_unlock);
BRIO_INTERPOSE(mtx_lock);
BRIO_INTERPOSE(mtx_trylock);
BRIO_INTERPOSE(mtx_timedlock);
BRIO_INTERPOSE(mtx_unlock);
