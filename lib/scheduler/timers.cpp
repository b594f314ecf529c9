#include "scheduler/timers.hpp"

#include <algorithm>

namespace brio::inline v0 {
namespace detail {

namespace {
constexpr std::size_t arity = 4;
}

void timer_heap::put(std::size_t place, const entry& e) noexcept {
    heap_[place] = e;
    e.owner->place = place;
}

void timer_heap::sift_up(std::size_t place, const entry& e) noexcept {
    while (place > 0) {
        const std::size_t parent = (place - 1) / arity;
        if (!e.before(heap_[parent])) break;
        put(place, heap_[parent]);
        place = parent;
    }
    put(place, e);
}

void timer_heap::sift_down(std::size_t place, const entry& e) noexcept {
    for (;;) {
        const std::size_t first = place * arity + 1;
        if (first >= heap_.size()) break;
        const std::size_t last = std::min(first + arity, heap_.size());
        std::size_t least = first;
        for (std::size_t child = first + 1; child < last; ++child)
            if (heap_[child].before(heap_[least])) least = child;
        if (!heap_[least].before(e)) break;
        put(place, heap_[least]);
        place = least;
    }
    put(place, e);
}

void timer_heap::arm(timer& t, time_point when) {
    disarm(t);
    t.when = when;
    t.sequence = next_sequence_++;
    const entry e{when, t.sequence, &t};
    heap_.push_back(e);
    sift_up(heap_.size() - 1, e);
}

void timer_heap::disarm(timer& t) noexcept {
    if (!t.armed()) return;
    const std::size_t hole = t.place;
    t.place = timer::not_armed;
    const entry moved = heap_.back();
    heap_.pop_back();
    if (hole == heap_.size()) return;
    if (hole > 0 && moved.before(heap_[(hole - 1) / arity]))
        sift_up(hole, moved);
    else
        sift_down(hole, moved);
}

timer* timer_heap::pop_due(time_point now) noexcept {
    if (heap_.empty() || heap_.front().when > now) return nullptr;
    return pop();
}

timer* timer_heap::pop() noexcept {
    if (heap_.empty()) return nullptr;
    timer& first = *heap_.front().owner;
    disarm(first);
    return &first;
}

}  // namespace detail
}  // namespace brio
