#pragma once
// run and runner: from main() into the loop and back.

#include <brio/context.hpp>
#include <brio/event_loop.hpp>
#include <brio/task.hpp>

#include <cstddef>
#include <utility>

namespace brio::inline v0 {

enum class reactor_choice {
    automatic,  // what BRIO_REACTOR says; else io_uring where the kernel allows it, else epoll
    io_uring,   // throws std::system_error, with the cause, when the kernel refuses it
    epoll,
};
struct stack_options {
    std::size_t size = 256 * 1024;  // bytes of address space a task; memory is committed on touch
    std::size_t keep = 1024;        // free stacks that keep their memory for reuse
};
struct loop_options {
    bool debug = false;  // or BRIO_DEBUG=1
    reactor_choice reactor = reactor_choice::automatic;
    stack_options stacks = {};
    bool eager_tasks = false;   // create_task starts its task at once
    bool handle_sigint = true;  // first SIGINT cancels main, the second ends the process
};

/// Several runs on one loop, and in one context: what one main sets of context variables the next one
/// finds. For the thread that made it.
class runner {
public:
    explicit runner(const loop_options& options = {});
    runner(const runner&) = delete;
    runner& operator=(const runner&) = delete;
    /// close(); what that would throw goes to the exception handler.
    ~runner();
    /// Runs main in a task; returns what it returned, throws what it threw. A first SIGINT cancels
    /// main, and run throws keyboard_interrupt when main ends by that; a second one ends the
    /// process. (Only where SIGINT still has its default action, and on the process's main thread.)
    /// usage_error where a loop runs already, or after close().
    template <task_body F>
    awaited_t<F> run(F&& main) {
        auto handle = loop_for_main().create_task(std::forward<F>(main), {.context = context_});
        run_main(handle);
        return std::move(handle).result();
    }
    template <detail::not_task_body F>
    void run(F&&) = delete;  // [=] { f(x); }, not f(x); std::move(f) if move-only
    [[nodiscard]] event_loop& get_loop();
    /// Cancels what is left in the order in which create_task returned, waits for it, reports what
    /// those tasks threw, closes the loop. A second call does nothing. Where a loop runs it throws
    /// usage_error when there is something left to wait for.
    void close();

protected:
    /// On a virtual clock. When nothing can happen any more `stuck` throws what leaves run().
    runner(const loop_options& options, void (*stuck)(detail::loop_core& loop));

private:
    [[nodiscard]] event_loop& loop_for_main();
    void run_main(const any_task& main);
    detail::loop_core* core_;
    bool handle_sigint_;
    context context_ = copy_context();
};

/// asyncio.run: runs main in a task of a new loop, then cancels what is left, waits for it and closes
/// the loop. Returns what main returned; throws what it threw, keyboard_interrupt after SIGINT,
/// usage_error where a loop runs already.
template <task_body F>
awaited_t<F> run(F&& main, const loop_options& options = {}) {
    runner r(options);
    return r.run(std::forward<F>(main));
}
template <detail::not_task_body F, class... X>
void run(F&&, X&&...) = delete;  // [=] { f(x); }, not f(x); std::move(f) if move-only

}  // namespace brio::inline v0
