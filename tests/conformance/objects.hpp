#pragma once
// The objects of a scenario, but for its futures. Made before the run, they stay where they are.

#include "conformance/scenario.hpp"

#include <brio/context.hpp>
#include <brio/queue.hpp>
#include <brio/sync.hpp>

#include <cstdint>
#include <variant>

namespace conformance {

using number = std::int64_t;
using object =
    std::variant<std::monostate, brio::lock, brio::event, brio::condition, brio::semaphore,
                 brio::bounded_semaphore, brio::barrier, brio::queue<number>,
                 brio::lifo_queue<number>, brio::priority_queue<number>, brio::context_var<number>>;

/// As its description says. Throws `unsupported` for a kind that the runner does not have.
void construct(object& o, const json& description);
/// Where it is a lock, or has one.
void release_if_held(object& o);

}  // namespace conformance
