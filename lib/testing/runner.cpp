#include "task/loop_core.hpp"

#include <brio/call_graph.hpp>
#include <brio/testing.hpp>

#include <string>

namespace brio::inline v0::testing {
namespace {

void report_deadlock(detail::loop_core& loop) {
    std::string text =
        "every task waits, nothing is ready and no timer is armed: this can never go on";
    text += '\n';
    text += format_call_graph(capture_call_graph(loop.facade(), {.limit = 0}));
    text.pop_back();
    throw deadlock_error(text);
}

}  // namespace

runner::runner(const loop_options& options) : brio::runner(options, &report_deadlock) {}

}  // namespace brio::inline v0::testing
