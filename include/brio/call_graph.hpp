#pragma once
// Who waits for whom: asyncio's call graphs. For the loop's own thread: in a task, in a callback, and
// between two runs of a loop. Nothing here suspends.
//
// asyncio's graph is a tree, in which a task that waits for many is told many times over; this one
// has each future once, and a circle is a circle. gather, wait, as_completed, shield and task groups
// stand in it as futures of their own, between their children and who waits for them; asyncio names
// the task that made them.

#include <brio/event_loop.hpp>
#include <brio/future.hpp>

#include <concepts>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace brio::inline v0 {

/// A call that has not returned yet.
struct frame_call_graph_entry {
    const void* address;  // where it goes on
    /// "fetch(int) (./server+0x1c40)": the second is what addr2line wants. Names of a program's own
    /// functions are only known when it is linked with -rdynamic.
    [[nodiscard]] std::string describe() const;
};

/// A future, and all who wait for it, directly or by way of one another, each once.
struct future_call_graph {
    struct node {
        any_future future;  // of wait, as_completed and task groups: only to be compared
        /// "task 'fetch': parked, stack 2 of 256 KiB, waits for sleep"; with loop_options::debug also
        /// where the task was made.
        std::string text;
        /// Of a task, the innermost call first. Empty when it has not begun or is done. With
        /// Boost.Context's switch (BRIO_CONTEXT=boost) only of the running task. Never of a Boost fiber.
        std::vector<frame_call_graph_entry> call_stack;
        std::vector<std::size_t> awaited_by;  // places in `nodes`
    };
    /// The future that was asked about is the first. Empty where there is no current task.
    std::vector<node> nodes;
};

struct call_graph_options {
    /// Of the current task: 1 begins its stack with the caller of capture_call_graph, 2 with the
    /// caller's caller.
    int depth = 1;
    /// Of each stack: n > 0 the innermost n calls, n < 0 the outermost -n, 0 none.
    std::optional<int> limit = {};
};

/// Of the current task; without nodes in a plain callback. usage_error without a running loop.
[[nodiscard]] future_call_graph capture_call_graph(const call_graph_options& options = {});
/// Of any future or task. usage_error on another thread than its loop's, or when the handle is empty.
[[nodiscard]] future_call_graph capture_call_graph(const any_future& future,
                                                   const call_graph_options& options = {});
/// Of every task of the loop that is not done, and of what they await. usage_error when the loop is
/// closed or another thread's. (asyncio: python -m asyncio pstree)
[[nodiscard]] future_call_graph capture_call_graph(event_loop& loop,
                                                   const call_graph_options& options = {});

/// A paragraph a future, those who wait for it indented below. It begins with those who wait for no
/// future, and so at what everybody else waits for; who stands in two places is told at the first.
[[nodiscard]] std::string format_call_graph(const future_call_graph& graph = capture_call_graph());
/// Writes that text.
void print_call_graph(const future_call_graph& graph = capture_call_graph(),
                      std::FILE* file = stdout);

/// A task, a future, or a loop.
template <class S>
concept call_graph_subject = std::derived_from<std::remove_cvref_t<S>, any_future> ||
    std::same_as<std::remove_cvref_t<S>, event_loop>;
/// The same of capture_call_graph(subject, options): print_call_graph(get_running_loop()). Inlined
/// always, so that the current task's stack begins with who calls this.
template <call_graph_subject S>
[[nodiscard, gnu::always_inline]] inline std::string format_call_graph(
    S&& subject, const call_graph_options& options = {}) {
    return format_call_graph(capture_call_graph(subject, options));
}
template <call_graph_subject S>
[[gnu::always_inline]] inline void print_call_graph(S&& subject,
                                                    const call_graph_options& options = {},
                                                    std::FILE* file = stdout) {
    print_call_graph(capture_call_graph(subject, options), file);
}

/// Task.get_stack: the calls that a task is in the middle of, the outermost first; the innermost
/// `limit` of them. Where it is empty: see node::call_stack. usage_error as capture_call_graph.
[[nodiscard]] std::vector<frame_call_graph_entry> get_stack(const any_task& task,
                                                            std::optional<std::size_t> limit = {});
/// Task.print_stack: a line for each of them, below one that names the task.
void print_stack(const any_task& task, std::optional<std::size_t> limit = {},
                 std::FILE* file = stderr);

}  // namespace brio::inline v0
