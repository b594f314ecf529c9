#pragma once
// The stack of a task, as entries of a call graph.

#include "fiber/fiber.hpp"

#include <brio/call_graph.hpp>

#include <optional>
#include <vector>

namespace brio::inline v0::detail {

/// Whose stack is asked for by whom: `caller` is the return address of the public function, where the
/// running fiber's stack begins for its user.
struct frame_request {
    const void* caller;
    call_graph_options options;
};

/// Those of `f`, the innermost first.
[[nodiscard]] std::vector<frame_call_graph_entry> frames_of(const fiber& f,
                                                            const frame_request& request);

}  // namespace brio::inline v0::detail
