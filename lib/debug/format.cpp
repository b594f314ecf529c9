#include <brio/call_graph.hpp>

#include <algorithm>
#include <utility>

namespace brio::inline v0 {
namespace {

class graph_text {
public:
    explicit graph_text(const future_call_graph& graph)
        : nodes_(graph.nodes), told_(nodes_.size(), false) {}

    std::string whole() {
        std::vector<bool> waits(nodes_.size(), false);
        for (const auto& node : nodes_)
            for (const std::size_t waiter : node.awaited_by) waits[waiter] = true;
        for (std::size_t i = 0; i < nodes_.size(); ++i)
            if (!waits[i]) tell_from(i);
        // In circles everybody waits.
        for (std::size_t i = 0; i < nodes_.size(); ++i)
            if (!told_[i]) tell_from(i);
        return std::move(text_);
    }

private:
    // What is deeper is not moved further to the right: a chain may have any length.
    static constexpr std::size_t deepest = 20;

    void tell_from(std::size_t first) {
        std::vector<std::pair<std::size_t, std::size_t>> to_tell{{first, 0}};  // node, level
        while (!to_tell.empty()) {
            const auto [place, level] = to_tell.back();
            to_tell.pop_back();
            if (!tell(place, level)) continue;
            const auto& waiters = nodes_[place].awaited_by;
            for (auto w = waiters.rbegin(); w != waiters.rend(); ++w)
                to_tell.emplace_back(*w, level + 1);
        }
    }
    /// False when it has been told before.
    bool tell(std::size_t place, std::size_t level) {
        const auto& node = nodes_[place];
        if (told_[place]) {
            line(level, "* " + node.text + " (above)");
            return false;
        }
        told_[place] = true;
        line(level, "* " + node.text);
        if (!node.call_stack.empty()) line(level, "  + Call stack:");
        for (const auto& frame : node.call_stack) line(level, "  |   " + frame.describe());
        if (!node.awaited_by.empty()) line(level, "  + Awaited by:");
        return true;
    }
    void line(std::size_t level, const std::string& words) {
        text_.append(4 * std::min(level, deepest), ' ').append(words).append("\n");
    }

    const std::vector<future_call_graph::node>& nodes_;
    std::vector<bool> told_;
    std::string text_;
};

}  // namespace

std::string format_call_graph(const future_call_graph& graph) {
    return graph_text(graph).whole();
}

void print_call_graph(const future_call_graph& graph, std::FILE* file) {
    std::fputs(format_call_graph(graph).c_str(), file);
}

}  // namespace brio::inline v0
