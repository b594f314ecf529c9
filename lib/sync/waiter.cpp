#include "sync/waiter.hpp"

#include "base/invariant.hpp"
#include "base/system_calls.hpp"
#include "task/loop_core.hpp"

#include <brio/error.hpp>

namespace brio::inline v0::detail {

void waiter::wait() {
    list_.push_back(*this);
    struct place {
        waiter& taken_by;
        ~place() { taken_by.list_.remove(taken_by); }
    } const mine{*this};
    private_wait::wait();
}

void waiter_list::push_back(waiter& w) noexcept {
    w.previous_ = last_;
    (last_ != nullptr ? last_->next_ : first_) = &w;
    last_ = &w;
    if (next_to_wake_ == nullptr) next_to_wake_ = &w;
}

void waiter_list::remove(waiter& w) noexcept {
    if (next_to_wake_ == &w) next_to_wake_ = w.next_;
    (w.previous_ != nullptr ? w.previous_->next_ : first_) = w.next_;
    (w.next_ != nullptr ? w.next_->previous_ : last_) = w.previous_;
}

bool waiter_list::has_live() const noexcept {
    if (first_ == nullptr || bound_to_->closed()) return false;
    for (const waiter* w = first_; w != nullptr; w = w->next_)
        if (!w->cancelled()) return true;
    return false;
}

fiber& waiter_list::bind(const char* call) {
    fiber& self = require_fiber(call);
    mailbox& box = self.owner.box();
    if (bound_to_ == nullptr) {
        box.retain();
        bound_to_ = &box;
    } else if (bound_to_ != &box) {
        throw usage_error(std::string(call) + ": it belongs to another loop");
    }
    return self;
}

void waiter_list::unbind() noexcept {
    invariant(first_ == nullptr || bound_to_->closed(),
              "a lock, event, queue or the like is destroyed while a task waits for it");
    bound_to_->release();
}

void waiter_list::require_right_thread(const char* call) {
    if (first_ == nullptr) return;
    if (bound_to_->closed()) {  // the stacks on which they waited are gone
        first_ = last_ = next_to_wake_ = nullptr;
        return;
    }
    if (!first_->loop().on_own_thread())
        throw usage_error(std::string(call) + ": it belongs to another thread");
}

bool waiter_list::wake_next() noexcept {
    while (next_to_wake_ != nullptr) {
        waiter& w = *next_to_wake_;
        next_to_wake_ = w.next_;
        if (w.done()) continue;
        w.finish();
        return true;
    }
    return false;
}

void waiter_list::wake_first() noexcept {
    if (first_ != nullptr && !first_->done()) wake_next();
}

void report_failed_unlock() noexcept {
    const std::exception_ptr error = std::current_exception();
    if (scheduler* const loop = this_scheduler())
        return static_cast<loop_core*>(loop)->report({"exception in unlock", error, {}});
    system_calls::write_error_text("brio: exception in unlock\n  " + describe_exception(error) +
                                   "\n");
}

}  // namespace brio::inline v0::detail
