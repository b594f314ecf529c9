#pragma once
// Waiting for one of several descriptors: what poll, ppoll, select and pselect have in common.

#include <brio/time.hpp>

#include <csignal>
#include <optional>
#include <poll.h>
#include <span>

namespace brio::inline v0::detail::posix {

/// Suspends the running fiber until one of `items` (those with a negative fd are ignored) may be ready, a signal that
/// `mask` lets through is pending (null: none does), or `until`. Returns 0, -ETIME, -ECANCELED
/// or another error. On 0 each item has in revents what woke the fiber, or 0. The answer of the call
/// itself is then asked of the kernel again: others may have been faster.
int wait_until_ready(std::span<pollfd> items, const sigset_t* mask,
                     std::optional<time_point> until) noexcept;

}  // namespace brio::inline v0::detail::posix
