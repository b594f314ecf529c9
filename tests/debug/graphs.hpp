#pragma once
// Call graphs as the tests compare them: a line a future, "who <- those who wait for him".

#include "task/story.hpp"

#include <brio/call_graph.hpp>

#include <string>

namespace story {

/// "task 'fetch'" of "task 'fetch': parked, stack ...".
inline std::string name_of(const brio::future_call_graph::node& node) {
    return node.text.substr(0, node.text.find(": "));
}

inline lines edges(const brio::future_call_graph& graph) {
    lines all;
    for (const auto& node : graph.nodes) {
        std::string line = name_of(node);
        const char* separator = " <- ";
        for (const std::size_t waiter : node.awaited_by) {
            line += separator + name_of(graph.nodes.at(waiter));
            separator = ", ";
        }
        all.push_back(std::move(line));
    }
    return all;
}

inline lines edges(const brio::any_future& future) {
    return edges(brio::capture_call_graph(future));
}

/// A task that sleeps, so that others can wait for it.
inline brio::task<void> sleeper(const std::string& name) {
    return brio::create_task([] { brio::sleep(1h); }, {.name = name});
}

}  // namespace story
