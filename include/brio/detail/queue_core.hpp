#pragma once
// The untyped half of the queues: counts, and who waits. The logic of waiting is in lib/sync/queue.cpp.
//
// 1. The typed half puts into its store and takes out of it; `size_` is what the store holds.
// 2. Whoever puts wakes the next getter, whoever takes the next putter; the woken one looks again
//    when he runs, and waits anew, behind all others, when somebody was faster.
// 3. `put_limit_` is the size from which on a put has to wait or to fail; 0 once shut down.

#include <brio/detail/waiter_list.hpp>

#include <cstddef>

namespace brio::inline v0::detail {

class queue_core {
public:
    queue_core(const queue_core&) = delete;
    queue_core& operator=(const queue_core&) = delete;

    [[nodiscard]] std::size_t qsize() const noexcept { return size_; }
    /// 0: there is no limit.
    [[nodiscard]] std::size_t maxsize() const noexcept { return maxsize_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] bool full() const noexcept { return maxsize_ > 0 && size_ >= maxsize_; }

    /// An item that was taken has been dealt with. std::invalid_argument when called more often than
    /// items were put.
    void task_done();
    /// Suspends until every item that was put has been dealt with: task_done(). Throws
    /// cancelled_error; usage_error when it would suspend outside a task or on another loop.
    void join() {
        if (unfinished_ > 0) wait_for_the_last();
    }

protected:
    explicit queue_core(std::size_t maxsize) noexcept;
    ~queue_core() = default;

    // ---- putting
    [[nodiscard]] bool may_put() const noexcept { return size_ < put_limit_; }
    void wait_for_room() {
        while (!may_put()) wait_in_line(side::put, "queue::put");
    }
    [[noreturn]] void refuse_put() const;
    /// Before the store is changed: whether somebody is to be told. usage_error when this thread may
    /// not.
    [[nodiscard]] bool has_getters() {
        if (!getters_.may_wake()) return false;
        getters_.require_right_thread("queue::put");
        return true;
    }
    void added(bool tell) noexcept {
        ++size_;
        ++unfinished_;
        if (tell) getters_.wake_next();
    }

    // ---- getting
    void wait_for_item() {
        while (empty()) wait_in_line(side::get, "queue::get");
    }
    [[noreturn]] void refuse_get() const;
    [[nodiscard]] bool has_putters() {
        if (!putters_.may_wake()) return false;
        putters_.require_right_thread("queue::get");
        return true;
    }
    void taken(bool tell) noexcept {
        --size_;
        if (tell) putters_.wake_next();
    }

    // ---- shutting down
    void require_right_thread();
    /// `dropped`: the store has been emptied.
    void shut_down(bool dropped) noexcept;

private:
    enum class side : bool { put, get };
    /// Until woken, or at once by an exception: queue_shut_down, cancelled_error, usage_error.
    void wait_in_line(side where, const char* call);
    [[nodiscard]] bool is_shut_down() const noexcept { return put_limit_ == 0; }
    void wait_for_the_last();
    void wake_joiners_when_finished() noexcept;

    std::size_t size_ = 0;
    std::size_t maxsize_;
    std::size_t put_limit_;
    std::size_t unfinished_ = 0;  // put, and not yet dealt with
    waiter_list getters_{"get from a queue"};
    waiter_list putters_{"put into a queue"};
    waiter_list joiners_{"join of a queue"};
};

}  // namespace brio::inline v0::detail
