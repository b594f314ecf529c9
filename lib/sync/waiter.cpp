#include "sync/waiter.hpp"

#include "base/invariant.hpp"
#include "base/system_calls.hpp"
#include "task/loop_core.hpp"

#include <brio/error.hpp>

namespace brio::inline v0::detail {

bool waiter_list::has_live() const noexcept {
    if (first_ == nullptr || bound_to_->closed()) return false;
    for (const waiter* w = first_; w != nullptr; w = w->next_)
        if (!w->cancelled()) return true;
    return false;
}

void waiter_list::bind_first(const char* call, mailbox& box) {
    if (bound_to_ != nullptr) throw usage_error(std::string(call) + ": it belongs to another loop");
    box.retain();
    bound_to_ = &box;
}

void waiter_list::unbind() noexcept {
    invariant(first_ == nullptr || bound_to_->closed(),
              "a lock, event, queue or the like is destroyed while a task waits for it");
    bound_to_->release();
}

void waiter_list::require_right_thread(const char* call) {
    if (first_ == nullptr) return;
    if (scheduler* const here = this_scheduler(); here != nullptr && &here->box() == bound_to_)
        return;
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
