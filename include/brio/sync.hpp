#pragma once
// Locks, events, conditions, semaphores and barriers between the tasks of one loop.
//
// asyncio's, in the same order: who waits first is served first, one turn after what he waits for has
// happened. Where nothing has to be waited for, nothing suspends, and a pending cancel is not
// delivered. A cancelled wait throws cancelled_error and leaves the primitive as if it had not
// begun; a wake-up that was on its way to it goes to the next one.
//
// std::scoped_lock, std::unique_lock and std::lock_guard are the RAII forms of mutex, condition and
// semaphore: what `async with` is in Python.
//
// All may be made before a loop runs, and used by one loop after another as long as nobody has had to
// wait: the first who waits binds a primitive to his loop, for good. They are not for threads: who
// waits on another loop, and who wakes from another thread, gets usage_error. A primitive outlives
// those who wait for it, also the woken ones that have not run since: else the program is aborted.

#include <brio/detail/waiter_list.hpp>
#include <brio/error.hpp>

#include <concepts>
#include <cstddef>
#include <limits>

namespace brio::inline v0 {

/// asyncio.Lock: one task at a time, in the order in which they asked. Owned by no task (another one
/// may release it), not recursive. Not for threads: for data that threads share, std::mutex.
class mutex {
public:
    constexpr mutex() noexcept : mutex("lock") {}
    mutex(const mutex&) = delete;
    mutex& operator=(const mutex&) = delete;
    ~mutex() = default;

    /// Suspends until it is free and everybody before this task has had it. Throws cancelled_error:
    /// then it is not held. usage_error when it would suspend outside a task or on another loop.
    void acquire() {
        if (locked_ || !waiters_.empty()) [[unlikely]]
            return acquire_slowly();
        locked_ = true;
    }
    /// Wakes the next one, who holds it from his next turn on: until then locked() is false, and who
    /// comes now queues behind him. usage_error when it is not held.
    void release() {
        if (!locked_ || waiters_.may_wake()) [[unlikely]]
            return release_slowly();
        locked_ = false;
    }
    [[nodiscard]] bool locked() const noexcept { return locked_; }

    /// acquire() and release() for std::scoped_lock and its like. unlock() throws nothing: what
    /// release() would throw is told to the loop's exception handler.
    void lock() { acquire(); }
    void unlock() noexcept {
        if (!locked_ || waiters_.may_wake()) [[unlikely]]
            return unlock_slowly();
        locked_ = false;
    }
    /// Takes it when acquire() would not suspend. Never suspends. Not in asyncio.
    [[nodiscard]] bool try_lock() noexcept {
        if (locked_ || waiters_.has_live()) return false;
        return locked_ = true;
    }

private:
    friend class condition;
    explicit constexpr mutex(const char* what) noexcept : waiters_(what) {}
    void acquire_slowly();
    void release_slowly();
    void unlock_slowly() noexcept;

    detail::waiter_list waiters_;
    bool locked_ = false;
};

/// asyncio.Lock's name. (A class called `lock` could not have the member that std::scoped_lock calls.)
using lock = mutex;

/// asyncio.Event: a flag that tasks can wait for.
class event {
public:
    constexpr event() noexcept = default;
    event(const event&) = delete;
    event& operator=(const event&) = delete;
    ~event() = default;

    /// Wakes all who wait, in order, in the next turn; who waits later does not suspend until clear().
    void set() {
        if (waiters_.may_wake()) [[unlikely]]
            return wake_all();
        set_ = true;
    }
    /// Those who have been woken stay woken.
    void clear() noexcept { set_ = false; }
    [[nodiscard]] bool is_set() const noexcept { return set_; }
    /// Suspends until set(); not at all when it is set. Throws cancelled_error; usage_error when it
    /// would suspend outside a task or on another loop.
    void wait() {
        if (!set_) wait_for_set();
    }

private:
    void wake_all();
    void wait_for_set();

    detail::waiter_list waiters_{"event"};
    bool set_ = false;
};

/// asyncio.Condition: tasks that hold its lock wait to be notified that something has changed.
class condition {
public:
    constexpr condition() noexcept = default;
    /// On a lock that others use too; it outlives the condition.
    explicit constexpr condition(mutex& shared) noexcept : lock_(shared) {}
    condition(const condition&) = delete;
    condition& operator=(const condition&) = delete;
    ~condition() = default;

    /// The lock's.
    void acquire() { lock_.acquire(); }
    void release() { lock_.release(); }
    [[nodiscard]] bool locked() const noexcept { return lock_.locked(); }
    void lock() { lock_.lock(); }
    void unlock() noexcept { lock_.unlock(); }
    [[nodiscard]] bool try_lock() noexcept { return lock_.try_lock(); }

    /// Releases the lock, suspends until notified, and holds the lock again when it ends, in whatever
    /// way. Throws usage_error when the lock is not held; cancelled_error, once it holds the lock
    /// again, which no cancel keeps it from; somebody else is notified then. May wake for no
    /// reason: see wait_for.
    void wait();
    /// Waits until p() holds. p is called with the lock held and may not wait.
    template <class P>
    requires std::predicate<P&>
    void wait_for(P&& p) {
        while (!p()) wait();
    }
    /// Wakes `n` of those who wait, the first ones first; each returns when he has the lock. Does not
    /// release the lock. usage_error when it is not held.
    void notify(std::size_t n = 1);
    void notify_all() { notify(std::numeric_limits<std::size_t>::max()); }

private:
    friend class barrier;
    explicit constexpr condition(const char* what) noexcept : own_(what), waiters_(what) {}
    void wake(std::size_t n) noexcept;

    mutex own_;
    mutex& lock_ = own_;
    detail::waiter_list waiters_{"condition"};
};

/// asyncio.Semaphore: as many tasks at a time as its value says, in the order in which they asked.
class semaphore {
public:
    /// std::invalid_argument below 0.
    explicit semaphore(std::ptrdiff_t value = 1)
        : semaphore(value, std::numeric_limits<std::ptrdiff_t>::max()) {}
    semaphore(const semaphore&) = delete;
    semaphore& operator=(const semaphore&) = delete;
    ~semaphore() = default;

    /// Takes one. Suspends while there is none, or somebody was here before. Throws cancelled_error:
    /// then none is taken. usage_error when it would suspend outside a task or on another loop.
    void acquire() {
        if (value_ == 0 || !waiters_.empty()) [[unlikely]]
            return acquire_slowly();
        --value_;
    }
    /// Gives one back: to the next who waits, if there is one, who has it at once.
    void release() {
        if (value_ >= bound_ || waiters_.may_wake()) [[unlikely]]
            return release_slowly();
        ++value_;
    }
    /// Whether acquire() would suspend.
    [[nodiscard]] bool locked() const noexcept { return value_ == 0 || waiters_.has_live(); }

    /// acquire() and release() for std::scoped_lock and its like. unlock() throws nothing: what
    /// release() would throw is told to the loop's exception handler.
    void lock() { acquire(); }
    void unlock() noexcept {
        if (value_ >= bound_ || waiters_.may_wake()) [[unlikely]]
            return unlock_slowly();
        ++value_;
    }
    /// Takes one when acquire() would not suspend. Never suspends. Not in asyncio.
    [[nodiscard]] bool try_lock() noexcept {
        if (locked()) return false;
        --value_;
        return true;
    }

protected:
    semaphore(std::ptrdiff_t value, std::ptrdiff_t bound);

private:
    void acquire_slowly();
    void release_slowly();
    void unlock_slowly() noexcept;
    void wake_those_allowed() noexcept;

    detail::waiter_list waiters_{"semaphore"};
    std::ptrdiff_t value_;
    std::ptrdiff_t bound_;
};

/// asyncio.BoundedSemaphore: release() throws std::invalid_argument when it would exceed the value
/// that it was made with; unlock() tells the exception handler.
class bounded_semaphore : public semaphore {
public:
    explicit bounded_semaphore(std::ptrdiff_t value = 1) : semaphore(value, value) {}
};

/// asyncio.Barrier: tasks wait until a number of them has come, then all go on. Again and again.
class barrier {
public:
    /// std::invalid_argument for 0.
    explicit barrier(std::size_t parties);
    barrier(const barrier&) = delete;
    barrier& operator=(const barrier&) = delete;
    ~barrier() = default;

    /// Suspends until `parties` tasks have come; the last one does not suspend. Those who come while the last
    /// round still leaves wait until it has. Returns how many came before, 0 for the first. Throws
    /// broken_barrier_error, see reset() and abort(); cancelled_error: then it is as if this task
    /// had not come, and the barrier is not broken. usage_error outside a task.
    std::size_t wait();
    /// Those who wait get broken_barrier_error; then the barrier is as new. Mends an aborted one.
    /// May suspend, as wait() may.
    void reset();
    /// Those who wait, and all who come, get broken_barrier_error, until reset(). May suspend.
    void abort();

    [[nodiscard]] std::size_t parties() const noexcept { return parties_; }
    /// Those who wait for the round to be complete.
    [[nodiscard]] std::size_t n_waiting() const noexcept {
        return state_ == state::filling ? count_ : 0;
    }
    [[nodiscard]] bool broken() const noexcept { return state_ == state::broken; }

private:
    //  filling -> draining    the last one has come    -> filling   all have left
    //  filling -> resetting   reset() with tasks inside -> filling  all have left
    //  any     -> broken      abort()                   -> filling, resetting   reset()
    enum class state : unsigned char { filling, draining, resetting, broken };
    class inside;
    void wait_for_round();
    void wait_for_others();
    void leave() noexcept;

    condition changed_{"barrier"};
    std::size_t parties_;
    std::size_t count_ = 0;  // tasks inside
    state state_ = state::filling;
};

}  // namespace brio::inline v0
