#pragma once
// Who gets a cancel: the request goes from a task to what it awaits, and from a gather to its children,
// until it reaches somebody who waits for neither.

#include <brio/detail/future_core.hpp>

#include <string_view>

namespace brio::inline v0::detail {

struct cancel_result {
    bool accepted;      // asyncio's answer: false when it was done already
    task_core* circle;  // a task that waits for itself, so that nothing can end it; mostly null
};

/// Whether a cancel of who awaits `f` goes to `f`, for it to pass on; any other future just ends by it.
[[nodiscard]] inline bool passes_cancel_on(const future_core& f) noexcept {
    return f.is_task() || f.is_gather();
}
/// Asks `f` to stop. Throws nothing but std::bad_alloc.
[[nodiscard]] cancel_result pass_cancel_on(future_core& f, std::string_view message);
/// What any_future::cancel does for tasks and gathers: a circle is a usage_error.
bool cancel_or_throw(future_core& f, std::string_view message);
/// For those who have nobody to throw to, and would wait for ever: a circle goes to the exception
/// handler, and is broken.
void cancel_or_report(future_core& f) noexcept;

}  // namespace brio::inline v0::detail
