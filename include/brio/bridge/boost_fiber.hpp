#pragma once
// Boost.Fiber on Brio's loop: programs written for it run unchanged, may call what suspends in Brio, and
// share the thread with tasks. docs/boost_fiber.md says what works and how.
//
//     int main() { return brio::boost_fiber::run([] { return old_main(); }); }
//
// Not in asyncio. Links brio::boost_fiber. For the thread of the loop, but for what Boost allows to
// others (to set a promise, to notify).

#include <brio/future.hpp>
#include <brio/run.hpp>

#include <boost/fiber/fiber.hpp>
#include <boost/fiber/future/future.hpp>
#include <exception>
#include <type_traits>
#include <utility>

namespace brio::inline v0 {

namespace detail {
void require_boost_fiber_scope(const char* call);
}

namespace boost_fiber {

/// While one lives, the task that made it is Boost's main fiber, and the Boost fibers of the thread run
/// on its loop. This task and they may call what suspends, both Boost's and Brio's; current_task() is
/// a task of each. Other tasks, and callbacks, may call what does not suspend in Boost (set_value,
/// notify, close, launch::post); for the rest they have async() and await().
/// The destructor suspends until the last Boost fiber has ended, detached ones too: it is never cut
/// short, and a cancel stays pending meanwhile.
/// usage_error outside a task, and where the thread has one already. Made in an eager task's first step
/// it suspends for a turn; else it does not.
class [[nodiscard]] scope {
public:
    scope();
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope();
};

/// brio::run, with a scope around main: in place of calling a program's old main function. SIGINT keeps
/// its default action unless the options say otherwise: code that knows only Boost does not end when
/// it is cancelled. The stack of main is options.stacks.size.
template <task_body F>
awaited_t<F> run(F&& main, const loop_options& options = {.handle_sigint = false}) {
    return brio::run(
        [&]() -> decltype(auto) {
            const scope here;
            return std::forward<F>(main)();
        },
        options);
}

/// boost::fibers::async(launch::post, f) whose future is Brio's: f() runs in a Boost fiber of its own,
/// and whatever it waits for, a task may await the future, with a timeout, in a gather, ...
/// **Cancellation** of the future ends the wait, not the fiber. **Throws** usage_error without a scope.
template <class F>
requires std::is_invocable_v<F&>
[[nodiscard]] future<std::invoke_result_t<F&>> async(F f) {
    detail::require_boost_fiber_scope("boost_fiber::async");
    using result_type = std::invoke_result_t<F&>;
    const future<result_type> promised = create_future<result_type>();
    boost::fibers::fiber([f = std::move(f), promised]() mutable {
        try {
            if constexpr (std::is_void_v<result_type>) {
                f();
                if (!promised.done()) promised.set_result();
            } else {
                result_type result = f();
                if (!promised.done()) promised.set_result(std::forward<result_type>(result));
            }
        } catch (...) {
            if (!promised.done()) promised.set_exception(std::current_exception());
        }
    }).detach();
    return promised;
}

/// What a Boost future holds, for a task, which must not call get(): suspends until it is there, then
/// returns it or throws it. When cancelled the value is dropped: it stays nobody's.
template <class T>
T await(boost::fibers::future<T> future) {
    return async([future = std::move(future)]() mutable -> T { return future.get(); }).await();
}
template <class T>
T await(boost::fibers::shared_future<T> future) {
    return async([future = std::move(future)]() -> T { return future.get(); }).await();
}

}  // namespace boost_fiber
}  // namespace brio::inline v0
