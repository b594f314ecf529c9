// Call graphs are not kept: who waits is read off the futures' own lists when somebody asks.
//
// 1. Without recursion: a chain of tasks may be longer than a stack is deep.
// 2. A graph holds a reference to each of its futures, so they outlive what it says of them.

#include "debug/frames.hpp"
#include "scheduler/guest.hpp"
#include "scheduler/park.hpp"
#include "task/loop_core.hpp"

#include <brio/call_graph.hpp>
#include <brio/detail/watcher.hpp>

#include <unordered_map>
#include <utility>

namespace brio::inline v0 {
namespace detail {
namespace {

std::string text_of(const fiber& f) {
    std::string text;
    const auto append = [](void* to, std::string_view piece) {
        *static_cast<std::string*>(to) += piece;
    };
    describe_fiber({append, &text}, f);
    return text;
}

class graph_builder {
public:
    explicit graph_builder(const frame_request& request) : request_(request) {}

    std::size_t add(future_core& core) {
        const auto [entry, is_new] = places_.try_emplace(&core, graph_.nodes.size());
        if (is_new) {
            core.retain();
            graph_.nodes.push_back({any_future(&core, adopt_t{}), describe(core), {}, {}});
        }
        return entry->second;
    }
    /// Follows those who wait, from what has been added.
    future_call_graph finish() {
        for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
            future_core& core = graph_.nodes[i].future.core();
            std::vector<std::size_t> awaited_by = add_waiters_of(core);
            graph_.nodes[i].awaited_by = std::move(awaited_by);
            if (const fiber* const f = fiber_of(core))
                graph_.nodes[i].call_stack = frames_of(*f, request_);
        }
        return std::move(graph_);
    }

private:
    static const fiber* fiber_of(const future_core& core) noexcept {
        return core.is_task() ? static_cast<const task_core&>(core).running_on() : nullptr;
    }
    static std::string describe(const future_core& core) {
        std::string text = core.describe();
        if (core.done())
            text += core.cancelled() ? ": cancelled" : ": finished";
        else if (const fiber* const f = fiber_of(core))
            text += ": " + text_of(*f);
        if (const std::string origin = core.loop().origin_of(core); !origin.empty())
            text += ", made at " + origin;
        return text;
    }
    std::vector<std::size_t> add_waiters_of(future_core& core) {
        std::vector<std::size_t> places;
        for (ready_node* node = core.waiters().first(); node != nullptr; node = node->next) {
            if (const fiber* const f = fiber_behind(*node))
                places.push_back(add(*f->task));
            else if (watcher* const w = watcher::behind(*node))
                places.push_back(add(*w));
        }
        if (task_core* const owner = core.owner()) places.push_back(add(*owner));
        return places;
    }

    const frame_request& request_;
    future_call_graph graph_;
    std::unordered_map<const future_core*, std::size_t> places_;
};

future_call_graph graph_of(future_core& core, const frame_request& request) {
    graph_builder builder(request);
    builder.add(core);
    return builder.finish();
}

}  // namespace
}  // namespace detail

// Not inlined, not even at link time: their return address is where a user's own frames begin.

[[gnu::noinline]] future_call_graph capture_call_graph(const call_graph_options& options) {
    const any_task self = (detail::require_loop("capture_call_graph"), current_task());
    if (!self.valid()) return {};
    return detail::graph_of(self.core(), {__builtin_return_address(0), options});
}

[[gnu::noinline]] future_call_graph capture_call_graph(const any_future& future,
                                                       const call_graph_options& options) {
    future.core().require_own_thread("capture_call_graph");
    return detail::graph_of(future.core(), {__builtin_return_address(0), options});
}

[[gnu::noinline]] future_call_graph capture_call_graph(event_loop& loop,
                                                       const call_graph_options& options) {
    loop.core().require_open("capture_call_graph");
    const detail::frame_request request{__builtin_return_address(0), options};
    detail::graph_builder builder(request);
    for (const any_task& each : loop.core().tasks()) {
        auto& task = static_cast<detail::task_core&>(each.core());
        detail::future_core* const awaited = detail::future_awaited_by(*task.running_on());
        if (awaited != nullptr && !awaited->done()) builder.add(*awaited);
        builder.add(task);
    }
    return builder.finish();
}

}  // namespace brio::inline v0
