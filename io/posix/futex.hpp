#pragma once
// A fiber's wait for a futex word, woken by whoever calls FUTEX_WAKE: libc, which knows nothing of
// fibers, libstdc++, or another process. What several fibers and threads share by libc's own words is
// waited for here, so it makes no difference who unlocks, nor how.
//
// 1. Not cut short by a cancel: whoever waits for a lock ignores the result.
// 2. A wake that has been taken is never dropped: it counts more than the deadline.
// 3. io_uring waits for it from Linux 6.7 on; elsewhere a helper thread does.

#include "fiber/fiber.hpp"

#include <brio/time.hpp>

#include <cstdint>
#include <optional>

namespace brio::inline v0::detail::posix {

struct futex_word {
    void* address;
    std::uint32_t value;  // a wait begins only while the word holds it
    bool is_private = true;
    std::uint32_t bits = ~0U;
};

/// Suspends `self` until a wake or until `until`. 0, also for no reason; -EAGAIN: another value;
/// -ETIMEDOUT.
long futex_wait(fiber& self, const futex_word& word, std::optional<time_point> until = {}) noexcept;

/// Likewise within an `interruptible`: -EINTR, too.
long futex_wait_until_interrupted(fiber& self, const futex_word& word,
                                  std::optional<time_point> until) noexcept;

/// Wakes all, fibers and threads.
void futex_wake_all(void* address, bool is_private = true) noexcept;

/// In a child of fork.
void futexes_after_fork() noexcept;

}  // namespace brio::inline v0::detail::posix
