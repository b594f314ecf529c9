#pragma once
// Task groups: children that end before the group does.
//
// Children may borrow what outlives the body's call: variables of the function that calls run(). Not
// the body's own locals: those die when the body returns, before the group waits. Python's collector
// hides the difference.

#include <brio/exception_group.hpp>
#include <brio/task.hpp>
#include <brio/timeout.hpp>

#include <exception>
#include <type_traits>
#include <utility>

namespace brio::inline v0 {

namespace detail {
class group_core;
}

/// asyncio.TaskGroup. A child that fails cancels the other children and the body; the group then
/// throws an exception_group of everything that failed, in order of failure, the body's own
/// exception last. Cancelled children are not in it.
class task_group_scope {
public:
    task_group_scope();
    task_group_scope(const task_group_scope&) = delete;
    task_group_scope& operator=(const task_group_scope&) = delete;
    ~task_group_scope();

    /// Calls body(*this) or body() in the calling task, then waits for the last child; returns the
    /// body's result. Once: usage_error the second time, or outside a task. Cancelling the task
    /// cancels the children, and cancelled_error leaves when they have ended. (After cancel() a body
    /// that had no result yet ends in cancelled_error too, unless it returns void.)
    template <body_of<task_group_scope> F>
    body_result_t<F, task_group_scope> run(F&& body) {
        using result = body_result_t<F, task_group_scope>;
        enter();
        try {
            if constexpr (std::is_void_v<result>) {
                detail::call_body(std::forward<F>(body), *this);
                leave();
            } else {
                result kept = detail::call_body(std::forward<F>(body), *this);
                leave();
                return detail::give<result>(kept);
            }
        } catch (...) {
            const bool over = left() || !leave_by(std::current_exception());
            if constexpr (!std::is_void_v<result>) throw;
            if (over) throw;
        }
    }
    /// A child. usage_error before run(), while the group shuts down, and when it has ended: then
    /// the callable has not been called. In the group's own task and in its children.
    template <task_body F>
    task<awaited_t<F>> create_task(F&& f, const task_options& options = {},
                                   detail::call_site made_at = detail::call_site::current()) {
        auto child = detail::create_task_on(loop_for_child(), std::forward<F>(f), options, made_at);
        add(child);
        return child;
    }
    template <detail::not_task_body F, class... X>
    void create_task(F&&, X&&...) = delete;  // [=] { f(x); }, not f(x); std::move(f) if move-only
    template <task_body F, detail::not_a<task_options> X>
    void create_task(F&&, X&&) = delete;  // the second argument is {.name = "..."}
    /// Cancels the children and the body; the group then ends without an error of its own. Before
    /// run(): the group is cancelled as it begins. Idempotent. (asyncio 3.15)
    void cancel();

private:
    void enter();
    void leave();
    /// True when the group takes the body's error back.
    [[nodiscard]] bool leave_by(const std::exception_ptr& error);
    [[nodiscard]] bool left() const noexcept;
    [[nodiscard]] detail::loop_core& loop_for_child() const;
    void add(const any_task& child);

    detail::group_core* core_;
};

/// task_group_scope{}.run(body): `brio::task_group([&](auto& group) { group.create_task(...); });`
template <body_of<task_group_scope> F>
body_result_t<F, task_group_scope> task_group(F&& body) {
    return task_group_scope().run(std::forward<F>(body));
}
template <class... F>
void task_group(F&&...) = delete;  // task_group([&](auto& group) { group.create_task(...); })

}  // namespace brio::inline v0
