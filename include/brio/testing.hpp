#pragma once
// For tests of programs that use Brio. The library is a target of its own, brio::testing (pkg-config:
// brio-testing), so that a program that is no test carries none of it.
//
// The virtual clock jumps to the next timer when nothing is ready: a test of an hour takes a
// millisecond, and always the same one. What moves it on is sleep(): `sleep(10s)` in a test is ten
// seconds for everybody, whose timers run in their order. It does not wait for the kernel: where
// I/O is under way and a timer is armed, it jumps. Limits around real sockets want brio::run.

#include <brio/run.hpp>

#include <stdexcept>
#include <utility>

namespace brio::inline v0::testing {

/// On a virtual clock, out of run(): every task waits, nothing is ready, no timer is armed and no I/O
/// is under way. what() says who waits for whom, as format_call_graph has it. A loop on the real
/// clock sleeps instead: a signal or another thread may always call it.
class deadlock_error : public std::logic_error {
    using std::logic_error::logic_error;
};

/// A runner on a virtual clock that starts at 0. Its run() throws deadlock_error.
class runner : public brio::runner {
public:
    explicit runner(const loop_options& options = {});
};

/// brio::run on a virtual clock.
template <task_body F>
awaited_t<F> run(F&& main, const loop_options& options = {}) {
    runner r(options);
    return r.run(std::forward<F>(main));
}
template <detail::not_task_body F, class... X>
void run(F&&, X&&...) = delete;  // [=] { f(x); }, not f(x); std::move(f) if move-only

/// Suspends until every other task is blocked: nothing is ready, no timer is due, and no I/O has
/// completed. Then all who wait here go on, in the order in which they came, before a virtual clock
/// jumps. On any loop, also a brio::run. What other threads do and what is under way in the kernel
/// or on its way through the network is not waited for; between the two ends of a socket pair
/// nothing is on its way. A cancellation point. Throws cancelled_error; usage_error off a
/// task. (trio: wait_all_tasks_blocked)
void wait_all_blocked();

}  // namespace brio::inline v0::testing
