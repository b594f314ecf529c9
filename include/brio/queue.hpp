#pragma once
// Queues between the tasks of one loop: asyncio.Queue, PriorityQueue and LifoQueue, in the same order.
//
// Items are moved, and may be move-only. No item gets lost: put and put_nowait leave their argument
// untouched when they throw, and a get that is cancelled has taken nothing.
//
// As the primitives in <brio/sync.hpp> a queue may be made before a loop runs, is bound to the loop
// where the first task waits for it, and outlives those who wait: else the program is aborted. Not for
// threads: usage_error where a wait or a wake-up would be on another one.

#include <brio/detail/queue_core.hpp>
#include <brio/detail/stores.hpp>
#include <brio/error.hpp>

#include <cstddef>
#include <functional>
#include <utility>

namespace brio::inline v0 {

namespace detail {

/// What the three queues have in common; they differ in who comes out first.
template <class T, class Store>
class basic_queue : public queue_core {
public:
    using value_type = T;
    /// Puts wait while there are `maxsize` items; 0: there is no limit.
    explicit basic_queue(std::size_t maxsize = 0) : queue_core(maxsize) {}

    /// Suspends while the queue is full. Throws queue_shut_down; cancelled_error; usage_error when it
    /// would suspend outside a task or on another loop.
    void put(T&& item) {
        wait_for_room();
        add(std::move(item));
    }
    void put(const T& item) {
        wait_for_room();
        add(item);
    }
    /// Never suspends. Throws queue_full; queue_shut_down.
    void put_nowait(T&& item) {
        if (!may_put()) [[unlikely]]
            refuse_put();
        add(std::move(item));
    }
    void put_nowait(const T& item) {
        if (!may_put()) [[unlikely]]
            refuse_put();
        add(item);
    }
    /// Suspends while the queue is empty. Throws queue_shut_down when it is empty and stays so;
    /// cancelled_error; usage_error when it would suspend outside a task or on another loop.
    [[nodiscard("the item is lost: keep it")]] T get() {
        wait_for_item();
        return take();
    }
    /// Never suspends. Throws queue_empty; queue_shut_down when it is empty and stays so.
    [[nodiscard("the item is lost: keep it")]] T get_nowait() {
        if (empty()) [[unlikely]]
            refuse_get();
        return take();
    }
    /// From now on nothing can be put, and get fails when the queue is empty; who waits is told.
    /// `immediate`: what is in the queue is dropped, and counts as dealt with for join(). For good.
    void shutdown(bool immediate = false) {
        require_right_thread();
        Store dropped;  // destroyed when all else has been done
        if (immediate) std::swap(dropped, store_);
        shut_down(immediate);
    }

protected:
    ~basic_queue() = default;

private:
    template <class U>
    void add(U&& item) {
        const bool tell = has_getters();
        store_.push(std::forward<U>(item));
        added(tell);
    }
    T take() {
        const bool tell = has_putters();
        T item = store_.pop();
        taken(tell);
        return item;
    }

    Store store_;
};

}  // namespace detail

/// asyncio.Queue: first in, first out.
template <class T>
class queue final : public detail::basic_queue<T, detail::ring<T>> {
    using detail::basic_queue<T, detail::ring<T>>::basic_queue;
};

/// asyncio.LifoQueue: last in, first out.
template <class T>
class lifo_queue final : public detail::basic_queue<T, detail::pile<T>> {
    using detail::basic_queue<T, detail::pile<T>>::basic_queue;
};

/// asyncio.PriorityQueue: the smallest first; equal ones in no promised order. Compare(a, b): a comes
/// out before b; it must not throw.
template <class T, class Compare = std::less<>>
class priority_queue final : public detail::basic_queue<T, detail::heap<T, Compare>> {
    using detail::basic_queue<T, detail::heap<T, Compare>>::basic_queue;
};

}  // namespace brio::inline v0
