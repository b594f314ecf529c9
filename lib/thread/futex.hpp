#pragma once
// Waiting between threads by raw futex calls: pthread locks, and syscall(2) too, are interposed by the
// porting layer, which stands above this floor.

#include "base/system_call.hpp"

#include <brio/detail/short_lock.hpp>
#include <brio/time.hpp>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <linux/futex.h>
#include <optional>
#include <sys/syscall.h>
#include <unistd.h>

namespace brio::inline v0 {
namespace detail {

/// Sleeps while `word` is `value`. Returns spuriously too.
inline void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
    system_call(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}

inline void futex_wake(std::atomic<std::uint32_t>& word, int how_many) noexcept {
    system_call(SYS_futex, &word, FUTEX_WAKE_PRIVATE, how_many, nullptr, nullptr, 0);
}

/// Likewise until a point on CLOCK_MONOTONIC, when there is one: false when that has come.
[[nodiscard]] bool futex_wait_until(std::atomic<std::uint32_t>& word, std::uint32_t value,
                                    std::optional<time_point> until) noexcept;

}  // namespace detail
}  // namespace brio::inline v0
