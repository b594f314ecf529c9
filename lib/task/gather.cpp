// gather, as asyncio/tasks.py has it.

#include "task/cancel.hpp"
#include "task/loop_core.hpp"

#include <brio/gather.hpp>

namespace brio::inline v0::detail {

loop_core& loop_for(const char* call) {
    return require_loop(call);
}
loop_core& loop_for(const char* call, const any_future& first) {
    return this_scheduler() != nullptr ? require_loop(call) : first.core().loop();
}

child_list::~child_list() {
    for (future_core* const child : children_) child->release();
}

gather_core::gather_core(loop_core& loop, std::vector<future_core*> children,
                         bool return_exceptions)
    : watcher(loop), children_(std::move(children)), return_exceptions_(return_exceptions) {
    what_ = kind::gather;
}

gather_core::~gather_core() {
    for (future_core* const child : children_) child->release();
}

std::string gather_core::describe() const {
    return "gather";
}

void gather_core::forget_children() noexcept {
    for (watch& w : watches_) forget(w);
}

void gather_core::begin() noexcept {
    const std::vector<future_core*> distinct = without_repeats(children_);
    std::vector<future_core*> done;
    watches_ = std::vector<watch>(distinct.size());
    for (std::size_t i = 0; i < distinct.size(); ++i) {
        if (distinct[i]->done())
            done.push_back(distinct[i]);
        else
            observe(watches_[i], *distinct[i]);
    }
    for (future_core* const child : done) child_done(*child);
    if (children_.empty()) finish_all();
}

void gather_core::child_done(future_core& child) noexcept {
    ++finished_;
    if (done()) {
        if (!child.cancelled()) child.mark_retrieved();
        return;
    }
    if (!return_exceptions_) {
        if (child.cancelled()) return set_exception(child.take_cancelled_error());
        if (child.stored_exception() != nullptr) {
            child.mark_retrieved();
            return set_exception(child.stored_exception());
        }
    }
    if (finished_ < watches_.size()) return;
    // asyncio: a gather that was asked to stop ends cancelled, whatever its children made of it, with
    // the message of the last one in the order of the arguments.
    if (!cancel_requested_) return finish_all();
    mark_children_retrieved();
    set_exception(children_.back()->take_cancelled_error());
}

void gather_core::mark_children_retrieved() noexcept {
    for (future_core* const child : children_)
        if (!child->cancelled()) child->mark_retrieved();
}

void gather_core::finish_all() noexcept {
    mark_children_retrieved();
    lazy_ = true;
    finish();
}

bool gather_core::cancel(std::string_view message) {
    require_thread_of(*this, "cancel");
    return cancel_or_throw(*this, message);
}

std::exception_ptr gather_core::error_of(std::size_t i) {
    const future_core& c = child(i);
    if (!c.cancelled()) return c.stored_exception();
    return std::make_exception_ptr(
        cancelled_error(c.message() != nullptr ? std::string_view(*c.message()) : ""));
}

}  // namespace brio::inline v0::detail
