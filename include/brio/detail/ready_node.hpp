#pragma once
// The entry that waits its turn: in the ready queue, or in the list of those whom a future will
// wake. One node is in at most one of the two.

#include <brio/version.hpp>

namespace brio::inline v0 {
namespace detail {

struct ready_node {
    enum class kind : unsigned char {
        fiber,        // continue this fiber; `run` is null
        bookkeeping,  // short internal work, no user code, never throws: runs on whatever stack
        callback,     // user code, or deep work: runs on the loop's own stack only
        marker,       // the end of a turn; the scheduler has exactly one
    };
    enum class fate : bool {
        run,
        drop,  // the loop closes: give back what the node owns, run nothing
    };
    using runner = void (*)(ready_node&, fate);

    constexpr ready_node(kind k, runner r) noexcept : run(r), what(k) {}
    ready_node(const ready_node&) = delete;
    ready_node& operator=(const ready_node&) = delete;

    ready_node* next = nullptr;  // in a callback_list, or in a mailbox
    ready_node* previous = nullptr;
    runner run;
    kind what;

protected:
    ~ready_node() = default;
};

/// Those whom a future wakes, in the order in which they asked. Removal is O(1).
class callback_list {
public:
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    [[nodiscard]] ready_node* first() const noexcept { return first_; }

    void push_back(ready_node& node) noexcept {
        node.next = nullptr;
        node.previous = last_;
        (last_ != nullptr ? last_->next : first_) = &node;
        last_ = &node;
    }
    void remove(ready_node& node) noexcept {
        (node.previous != nullptr ? node.previous->next : first_) = node.next;
        (node.next != nullptr ? node.next->previous : last_) = node.previous;
        node.next = node.previous = nullptr;
    }

    /// Null when empty.
    ready_node* pop_front() noexcept {
        ready_node* const node = first_;
        if (node != nullptr) remove(*node);
        return node;
    }

private:
    ready_node* first_ = nullptr;
    ready_node* last_ = nullptr;
};

}  // namespace detail
}  // namespace brio
