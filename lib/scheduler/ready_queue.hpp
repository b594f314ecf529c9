#pragma once
// The ready queue: a singly linked FIFO of ready_node.
//
// Nothing is ever taken out of the middle. Who wants an entry not to run marks it (a cancelled
// handle), and keeps the node alive until its turn has come.

#include <brio/detail/ready_node.hpp>

namespace brio::inline v0 {
namespace detail {

class ready_queue {
public:
    ready_queue() = default;
    ready_queue(const ready_queue&) = delete;
    ready_queue& operator=(const ready_queue&) = delete;

    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

    void push_back(ready_node& node) noexcept {
        node.next = nullptr;
        *tail_ = &node;
        tail_ = &node.next;
    }

    /// Everybody on `list`, in its order; leaves it empty.
    void append(callback_list& list) noexcept {
        if (list.first_ == nullptr) return;
        *tail_ = list.first_;
        tail_ = &list.last_->next;
        list.first_ = list.last_ = nullptr;
    }

    /// Precondition: not empty.
    ready_node& pop_front() noexcept {
        ready_node& node = *first_;
        first_ = node.next;
        if (first_ == nullptr) tail_ = &first_;
        return node;
    }

private:
    ready_node* first_ = nullptr;
    ready_node** tail_ = &first_;
};

}  // namespace detail
}  // namespace brio
