// The current context, and what the typed half of context variables stands on.

#include "base/invariant.hpp"
#include "task/context_map.hpp"
#include "task/loop_core.hpp"

#include <brio/context.hpp>
#include <brio/error.hpp>

#include <stdexcept>
#include <utility>

namespace brio::inline v0 {
namespace detail {
namespace {

/// Of a thread outside tasks and callbacks.
struct thread_context {
    ~thread_context() {
        if (context_map* const last = std::exchange(map, nullptr)) last->release();
    }
    context_map* map = nullptr;
};
thread_local thread_context of_this_thread;

}  // namespace

context_map*& current_slot() noexcept {
    const fiber* const running = this_fiber();
    return running != nullptr ? running->task->context_slot() : of_this_thread.map;
}

context_map* inherited_context() {
    return context_map::inherited(current_slot());
}

context_value* find_value(context_key key) noexcept {
    const context_map* const map = current_slot();
    return map != nullptr ? map->find(key) : nullptr;
}

context_value* exchange_value(context_key key, context_value* value) {
    return context_map::exchange(current_slot(), key, value);
}

const void* current_context() noexcept {
    return &current_slot();
}

entered_context::entered_context(context_map*& map) noexcept : map_(map) {
    std::swap(current_slot(), map_);
}
entered_context::~entered_context() {
    std::swap(current_slot(), map_);
}

void throw_not_set(const std::string& name) {
    throw lookup_error("context_var::get: '" + name +
                       "' is not set in this context and has no default");
}

void context_token::undo(context_key variable) const {
    if (key_ == 0) throw usage_error("context_var::reset: the token has been used already");
    if (key_ != variable)
        throw std::invalid_argument("context_var::reset: the token is another variable's");
    if (made_in_ != current_context())
        throw std::invalid_argument("context_var::reset: the token was made in another context");
    undo_at_end();
}

void context_token::undo_at_end() const noexcept {
    invariant(made_in_ == current_context(), "a context_var's scope ends in another context");
    context_value* const replaced =
        exchange_value(std::exchange(key_, 0), std::exchange(before_, nullptr));
    if (replaced != nullptr) replaced->release();
}

}  // namespace detail

context::context(const context& other) noexcept : map_(other.map_) {
    if (map_ != nullptr) map_->retain();
}
context::~context() {
    if (map_ != nullptr) map_->release();
}

context copy_context() {
    return context(detail::inherited_context());
}

}  // namespace brio::inline v0
