#pragma once
// One turn in a waiter_list: asyncio's private future with its place in the deque. Use: construct on
// the waiting fiber's stack, wait() once.
//
//   waiting -> woken       waiter_list::wake_next, wake_first
//   waiting -> cancelled   the fiber's task is cancelled
//
// A woken waiter whose fiber is cancelled before it runs throws cancelled_error out of wait() all the
// same, and stays woken(): what it was woken for is then to be passed on.

#include "scheduler/park.hpp"

#include <brio/detail/waiter_list.hpp>

#include <string>

namespace brio::inline v0::detail {

class waiter final : public private_wait {
public:
    waiter(waiter_list& list, fiber& self) noexcept : private_wait(self), list_(list) {}

    /// Suspends until woken. Throws cancelled_error. Not in the list before, nor afterwards.
    void wait() {
        struct place {
            waiter& taken_by;
            explicit place(waiter& w) noexcept : taken_by(w) { w.list_.push_back(w); }
            place(const place&) = delete;
            place& operator=(const place&) = delete;
            ~place() { taken_by.list_.remove(taken_by); }
        } const mine{*this};
        private_wait::wait();
    }
    [[nodiscard]] bool woken() const noexcept { return done() && !cancelled(); }
    [[nodiscard]] scheduler& loop() const noexcept { return private_wait::waiter().owner; }
    [[nodiscard]] std::string describe() const override { return list_.what(); }

private:
    friend class waiter_list;
    waiter_list& list_;
    waiter* next_ = nullptr;
    waiter* previous_ = nullptr;
};

inline fiber& waiter_list::bind(const char* call) {
    fiber& self = require_fiber(call);
    mailbox& box = self.owner.box();
    if (bound_to_ != &box) [[unlikely]]
        bind_first(call, box);
    return self;
}

inline void waiter_list::push_back(waiter& w) noexcept {
    w.previous_ = last_;
    (last_ != nullptr ? last_->next_ : first_) = &w;
    last_ = &w;
    if (next_to_wake_ == nullptr) next_to_wake_ = &w;
}

inline void waiter_list::remove(waiter& w) noexcept {
    if (next_to_wake_ == &w) next_to_wake_ = w.next_;
    (w.previous_ != nullptr ? w.previous_->next_ : first_) = w.next_;
    (w.next_ != nullptr ? w.next_->previous_ : last_) = w.previous_;
}

/// Inside the catch of what an unlock() may not throw: tells the exception handler of the running
/// loop; where none runs, standard error.
void report_failed_unlock() noexcept;

}  // namespace brio::inline v0::detail
