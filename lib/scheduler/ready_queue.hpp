#pragma once
// The ready queue: a FIFO of pointers in one growing ring.
//
// A ring rather than a list through the nodes: taking the first does not wait for the load of a node,
// and those who come next are known early enough to be fetched into the cache.
//
// Nothing is ever taken out of the middle. Who wants an entry not to run marks it (a cancelled
// handle), and keeps the node alive until its turn has come.

#include <brio/detail/ready_node.hpp>

#include <cstddef>
#include <memory>

namespace brio::inline v0::detail {

class ready_queue {
public:
    ready_queue() : slots_(new ready_node*[initial_capacity]), mask_(initial_capacity - 1) {}

    [[nodiscard]] bool empty() const noexcept { return first_ == end_; }

    [[nodiscard]] std::size_t size() const noexcept { return end_ - first_; }
    [[nodiscard]] bool full() const noexcept { return size() > mask_; }

    void push_back(ready_node& node) noexcept {
        if (full()) [[unlikely]]
            grow();
        push_back_unchecked(node);
    }
    /// Precondition: not full.
    void push_back_unchecked(ready_node& node) noexcept { slots_[end_++ & mask_] = &node; }

    // Precondition of the rest: not empty.
    [[nodiscard]] ready_node& front() const noexcept { return *slots_[first_ & mask_]; }
    ready_node& pop_front() noexcept { return *slots_[first_++ & mask_]; }
    /// The first becomes the last.
    void rotate() noexcept { slots_[end_++ & mask_] = slots_[first_++ & mask_]; }

    /// The entry that is `distance` behind the first. Precondition: there is one.
    [[nodiscard]] const ready_node& ahead(std::size_t distance) const noexcept {
        return *slots_[(first_ + distance) & mask_];
    }

private:
    static constexpr std::size_t initial_capacity = 256;

    /// Ends the program where there is no memory: what is ready cannot be lost.
    [[gnu::cold, gnu::noinline]] void grow() noexcept {
        const std::size_t capacity = mask_ + 1;
        std::unique_ptr<ready_node*[]> larger(new ready_node*[2 * capacity]);
        for (std::size_t i = 0; i < capacity; ++i) larger[i] = slots_[(first_ + i) & mask_];
        slots_ = std::move(larger);
        mask_ = 2 * capacity - 1;
        first_ = 0;
        end_ = capacity;
    }

    std::unique_ptr<ready_node*[]> slots_;
    std::size_t mask_;
    std::size_t first_ = 0;  // both only grow; the slot is the number modulo the capacity
    std::size_t end_ = 0;
};

}  // namespace brio::inline v0::detail
