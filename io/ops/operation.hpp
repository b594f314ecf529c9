#pragma once
// How a fiber waits for the kernel: one operation, submitted and parked on.
//
// 1. The fiber stays parked until the operation has completed: until then the kernel owns the
//    operation and the memory it names, which usually lie on the fiber's stack.
// 2. A result that arrived wins over a cancel and over the deadline: it is returned, and the cancel
//    stays pending for the next suspension. No byte and no descriptor gets lost.
// 3. A close is never cut short and never refused: its descriptor would leak.

#include "scheduler/reactor.hpp"

#include <brio/time.hpp>

#include <optional>
#include <span>

namespace brio::inline v0 {
namespace detail {

/// Submits `op` and parks the running fiber until the kernel has let go of it. Returns what the
/// system call returns (>= 0), or -errno. These are Brio's own:
///   -ECANCELED  a cancel of the fiber ended the operation, or was pending before and nothing was
///               submitted; the request is still pending (fiber.cancel_pending)
///   -ETIME      `until` ended it
///   -EINTR      self.interrupted was set and its wait_hook::interrupt() called (or the kernel's own,
///               from a worker that a signal has stopped: then the flag is not set)
/// A cancel that may not be delivered now (defer_cancel, unwinding) ends nothing, and one that is
/// withdrawn meanwhile goes unnoticed. Where the reactor cannot be made, its error is returned.
/// Another fiber may end it by reactor::cancel while `op.owner` is not null; without a cancel of the
/// fiber that returns -ECANCELED, too.
/// **Thread**: fibers only. `op.completed` and `op.owner` are perform's.
int perform(operation& op, std::optional<time_point> until = {}) noexcept;

/// Likewise for several at once: returns 0 when at least one has a result of its own (op.result); the
/// others have been cancelled. Returns only when the kernel has let go of all of them. With none it
/// sleeps: -ETIME or -ECANCELED.
int perform_any(std::span<operation> ops, std::optional<time_point> until = {}) noexcept;

}  // namespace detail
}  // namespace brio::inline v0
