#pragma once
// Timers: a 4-ary heap of intrusive entries, ordered by (when, order of arming).
//
// 1. An entry knows its place, so that a cancel removes it at once: cancelled timers never pile up
//    (asyncio keeps them until they reach the top).
// 2. Equal deadlines fire in the order in which they were armed.

#include <brio/detail/ready_node.hpp>
#include <brio/time.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace brio::inline v0 {
namespace detail {

/// A ready_node with a deadline. When it is due the scheduler takes it out of the heap and appends
/// it to the ready queue.
struct timer : ready_node {
    using ready_node::ready_node;
    static constexpr std::size_t not_armed = SIZE_MAX;

    [[nodiscard]] bool armed() const noexcept { return place != not_armed; }

    time_point when{};
    std::uint64_t sequence = 0;
    std::size_t place = not_armed;  // index in the heap

protected:
    ~timer() = default;
};

class timer_heap {
public:
    [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }
    /// Precondition: not empty.
    [[nodiscard]] time_point next() const noexcept { return heap_.front().when; }

    void arm(timer& t, time_point when);
    /// Harmless when `t` is not armed.
    void disarm(timer& t) noexcept;
    /// The earliest timer if it is due at `now`, taken out; else null.
    timer* pop_due(time_point now) noexcept;
    /// The earliest timer, taken out; null when there is none.
    timer* pop() noexcept;

private:
    /// The key lies in the heap itself: sifting compares without touching the timers.
    struct entry {
        time_point when;
        std::uint64_t sequence;
        timer* owner;
        [[nodiscard]] bool before(const entry& other) const noexcept {
            return when != other.when ? when < other.when : sequence < other.sequence;
        }
    };
    void put(std::size_t place, const entry& e) noexcept;
    void sift_up(std::size_t place, const entry& e) noexcept;
    void sift_down(std::size_t place, const entry& e) noexcept;

    std::vector<entry> heap_;
    std::uint64_t next_sequence_ = 0;
};

}  // namespace detail
}  // namespace brio
