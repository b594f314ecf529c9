#pragma once
// The ready queue: a FIFO in one growing ring.
//
// A ring rather than a list through the nodes: taking the first does not wait for the load of a node,
// and those who come next are known early enough to be fetched into the cache. A fiber's slot has its
// stack pointer too, so that neither going to the end of the queue nor going on needs the fiber's
// record, which is a cache line far away.
//
// Nothing is ever taken out of the middle. Who wants an entry not to run marks it (a cancelled
// handle), and keeps the node alive until its turn has come.

#include <brio/detail/ready_node.hpp>

#include <cstddef>
#include <memory>

namespace brio::inline v0::detail {

class ready_queue {
public:
    struct slot {
        ready_node* node = nullptr;
        void* stack_pointer = nullptr;  // of a fiber that is continued by a switch; else null
    };
    ready_queue() : slots_(new slot[initial_capacity]), mask_(initial_capacity * step - 1) {}

    [[nodiscard]] bool empty() const noexcept { return first_ == end_; }

    [[nodiscard]] std::size_t size() const noexcept { return (end_ - first_) / step; }
    [[nodiscard]] bool full() const noexcept { return end_ - first_ > mask_; }

    void push_back(ready_node& node, void* stack_pointer = nullptr) noexcept {
        if (full()) [[unlikely]]
            grow();
        push_back_unchecked(node) = stack_pointer;
    }
    /// Returns where the stack pointer is to be put, valid until a push_back() that grows.
    /// Precondition: not full.
    void*& push_back_unchecked(ready_node& node) noexcept {
        slot& last = at(end_);
        end_ += step;
        last.node = &node;
        return last.stack_pointer;
    }
    /// The slot of `node`, which is looked for from the end; null when it is not in the queue.
    [[nodiscard]] slot* find(const ready_node& node) const noexcept {
        for (std::size_t i = end_; i != first_; i -= step)
            if (at(i - step).node == &node) return &at(i - step);
        return nullptr;
    }

    // Precondition of the rest: not empty.
    [[nodiscard]] slot front() const noexcept { return at(first_); }
    slot pop_front() noexcept {
        const slot first = at(first_);
        first_ += step;
        return first;
    }

    /// The entry that is `distance` behind the first. Precondition: there is one.
    [[nodiscard]] slot ahead(std::size_t distance) const noexcept {
        return at(first_ + distance * step);
    }

private:
    static constexpr std::size_t initial_capacity = 256;
    static constexpr std::size_t step = sizeof(slot);

    [[nodiscard]] slot& at(std::size_t number) const noexcept {
        return *reinterpret_cast<slot*>(reinterpret_cast<std::byte*>(slots_.get()) +
                                        (number & mask_));
    }
    /// Ends the program where there is no memory: what is ready cannot be lost.
    [[gnu::cold, gnu::noinline]] void grow() noexcept {
        std::unique_ptr<slot[]> larger(new slot[2 * (mask_ + 1) / step]);
        std::size_t count = 0;
        for (std::size_t i = first_; i != end_; i += step) larger[count++] = at(i);
        slots_ = std::move(larger);
        mask_ = 2 * mask_ + 1;
        first_ = 0;
        end_ = count * step;
    }

    // The numbers only grow, by the size of a slot, which spares a shift; the slot is at the number
    // modulo the capacity in bytes.
    std::size_t first_ = 0;
    std::unique_ptr<slot[]> slots_;
    std::size_t mask_;
    std::size_t end_ = 0;
};

}  // namespace brio::inline v0::detail
