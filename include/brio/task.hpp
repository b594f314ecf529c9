#pragma once
// Tasks: create_task, the handles, sleep and yield.

#include <brio/awaitable.hpp>
#include <brio/context.hpp>
#include <brio/detail/task_core.hpp>
#include <brio/time.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace brio::inline v0 {

/// Handle to a task of any result type.
class any_task : public any_future {
public:
    any_task() noexcept = default;
    any_task(detail::future_core* core, detail::adopt_t a) noexcept : any_future(core, a) {}

    [[nodiscard]] std::string get_name() const { return task().name(); }
    void set_name(std::string_view name) const { task().set_name(name); }
    /// How many cancel() calls have not been taken back by uncancel().
    [[nodiscard]] int cancelling() const { return task().cancelling(); }
    /// Takes one cancel() back; at 0 a request that has not been delivered yet is withdrawn. Returns
    /// the new count. For code that handles a cancellation itself, as timeout() does.
    int uncancel() const { return task().uncancel(); }
    /// A copy of the task's context, as it is now; of a task that is done, as it was at the end.
    [[nodiscard]] context get_context() const;

protected:
    [[nodiscard]] detail::task_core& task() const {
        return static_cast<detail::task_core&>(core());
    }
};

/// A future with a fiber. The loop owns a task until it is done, so dropping the handle detaches it:
/// the task runs on, and an exception that nobody retrieves goes to the loop's exception handler.
/// (asyncio only holds tasks weakly, and loses those that nobody keeps.)
template <class T>
class task : public any_task {
public:
    using value_type = T;
    task() noexcept = default;
    task(detail::future_core* core, detail::adopt_t a) noexcept : any_task(core, a) {}

    /// As future<T>'s.
    shared_result_t<T> await() const& { return detail::await_view<T>(core()); }
    T await() && { return detail::await_value<T>(std::move(*this)); }
    shared_result_t<T> result() const& { return detail::result_view<T>(core()); }
    T result() && { return detail::result_value<T>(std::move(*this)); }
    template <std::same_as<std::remove_cvref_t<T>> U>
    operator U() const = delete;  // a task is not its result yet: .await() it
    /// The same task as a future; its set_result and set_exception throw usage_error.
    operator future<T>() const noexcept {
        if (core_ != nullptr) core_->retain();
        return {core_, detail::adopt_t{}};
    }
};

struct task_options {
    std::string name = {};                      // "Task-N" when empty
    std::optional<bool> eager_start = {};       // the loop's default when empty
    std::size_t stack_size = 0;                 // bytes; the loop's default when 0
    std::optional<brio::context> context = {};  // begins with a copy; of the current one when empty
};

namespace detail {
extern const task_options default_task_options;
[[nodiscard]] loop_core& loop_for_new_task();

/// Where create_task was called. Not a string, so that create_task(f, "name") is an error.
struct call_site {
    [[nodiscard]] static constexpr call_site current(const char* file = __builtin_FILE(),
                                                     int line = __builtin_LINE()) noexcept {
        return {file, line};
    }
    const char* file;
    int line;
};

template <class F>
task<awaited_t<F>> create_task_on(loop_core& loop, F&& f, const task_options& options,
                                  call_site made_at) {
    using result = awaited_t<F>;
    auto* const core = new task_of<std::decay_t<F>, result>(loop, std::forward<F>(f));
    task<result> handle(core, adopt_t{});
    core->start(options, made_at.file, made_at.line);
    return handle;
}
}  // namespace detail

/// Makes a task that calls f() on a fiber of its own, from the next turn on (with eager_start: up to
/// its first suspension right now). The callable is moved into the task and destroyed before the
/// task is done. Does not suspend. Throws usage_error without a running loop, std::system_error when
/// no stack can be had (the text names the limit). `made_at` is filled in by the compiler: debug
/// mode says where a task was made.
template <task_body F>
task<awaited_t<F>> create_task(F&& f, const task_options& options,
                               detail::call_site made_at = detail::call_site::current()) {
    return detail::create_task_on(detail::loop_for_new_task(), std::forward<F>(f), options,
                                  made_at);
}
template <task_body F>
task<awaited_t<F>> create_task(F&& f, detail::call_site made_at = detail::call_site::current()) {
    return detail::create_task_on(detail::loop_for_new_task(), std::forward<F>(f),
                                  detail::default_task_options, made_at);
}
template <detail::not_task_body F, class... X>
void create_task(F&&, X&&...) = delete;  // [=] { f(x); }, not f(x); std::move(f) if move-only
template <task_body F, detail::not_a<task_options> X>
void create_task(F&&, X&&) = delete;  // the second argument is {.name = "..."}

/// The running task; an empty handle in a plain callback, and where a task that is done destroys its
/// result. usage_error without a running loop.
[[nodiscard]] any_task current_task();
/// The loop's tasks that are not done, in order of creation (an eager task: of its first
/// suspension). usage_error without a running loop.
[[nodiscard]] std::vector<any_task> all_tasks();
/// Likewise of a loop that need not be running.
[[nodiscard]] std::vector<any_task> all_tasks(event_loop& loop);

/// Suspends for at least `d`; d <= 0 lets everybody else who is ready run once, as yield(); none
/// sleeps until cancelled. A cancellation point. Throws cancelled_error; usage_error off a task.
void sleep(delay d);
/// Likewise, and returns `result`.
template <class T>
T sleep(delay d, T result) {
    sleep(d);
    return result;
}
/// Lets everybody else who is ready run once: asyncio's sleep(0). A cancellation point.
void yield();

}  // namespace brio::inline v0

template <class T>
struct std::hash<brio::task<T>> : std::hash<brio::any_future> {};
template <>
struct std::hash<brio::any_task> : std::hash<brio::any_future> {};
