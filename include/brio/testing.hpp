#pragma once
// For tests: loops on a virtual clock, which jumps to the next timer when nothing is ready. A test
// of an hour takes a millisecond, and always the same one.

#include <brio/error.hpp>
#include <brio/run.hpp>

#include <utility>

namespace brio::inline v0::testing {

/// A runner on a virtual clock that starts at 0. A run in which every task waits, nothing is ready
/// and no timer is armed throws deadlock_error out of run().
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

}  // namespace brio::inline v0::testing
