#pragma once
// Waiting until descriptors are ready: what poll, ppoll, select, pselect and epoll_wait have in common,
// and what calls stand on that have no attempt of their own that does not block.

#include "posix/caller.hpp"
#include "posix/kept_open.hpp"

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

/// Likewise, again and again until ask() has an answer, which is not 0; 0: `until` was first. -errno.
template <class Ask>
long wait_for_answer(fiber& self, std::span<pollfd> items, const sigset_t* mask,
                     std::optional<time_point> until, Ask ask) noexcept {
    for (;;) {
        const int ended = wait_until_ready(items, mask, until);
        if (const long answer = ask(); answer != 0) return answer;
        if (ended == -ETIME) return 0;
        if (ended == -ECANCELED) return tell_cancelled(self);
        if (ended < 0) return ended;
    }
}

/// Which of `events` (and of what poll tells unasked) are there now; 0: none.
[[nodiscard]] short events_now(int fd, short events) noexcept;

/// Keeps `file`, and suspends until one of `events` is there: > 0. Or -ETIME, -ECANCELED (told), or
/// another error.
long wait_for_events(fiber& self, kept_open& file, short events,
                     std::optional<time_point> until = {}) noexcept;

}  // namespace brio::inline v0::detail::posix
