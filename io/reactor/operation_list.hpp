#pragma once
// Operations in the order in which they came, linked through the fields that are the reactor's.

#include "scheduler/reactor.hpp"

#include <brio/version.hpp>

namespace brio::inline v0 {
namespace detail {

class operation_list {
public:
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    /// Null when empty; the next ones by `next`.
    [[nodiscard]] operation* first() const noexcept { return first_; }

    void push_back(operation& op) noexcept {
        op.next = nullptr;
        op.previous = last_;
        (last_ != nullptr ? last_->next : first_) = &op;
        last_ = &op;
    }
    void remove(operation& op) noexcept {
        (op.previous != nullptr ? op.previous->next : first_) = op.next;
        (op.next != nullptr ? op.next->previous : last_) = op.previous;
    }
    /// Precondition: not empty.
    operation& pop_front() noexcept {
        operation& op = *first_;
        remove(op);
        return op;
    }

private:
    operation* first_ = nullptr;
    operation* last_ = nullptr;
};

}  // namespace detail
}  // namespace brio::inline v0
