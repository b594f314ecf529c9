#include "thread/futex.hpp"

#include <brio/detail/short_lock.hpp>

#include <ctime>

namespace brio::inline v0 {
namespace detail {

bool futex_wait_until(std::atomic<std::uint32_t>& word, std::uint32_t value,
                      std::optional<time_point> until) noexcept {
    timespec limit{};
    if (until) {
        const auto since = until->time_since_epoch();
        limit.tv_sec = since.count() / 1'000'000'000;
        limit.tv_nsec = since.count() % 1'000'000'000;
    }
    // FUTEX_WAIT_BITSET takes an absolute time, of CLOCK_MONOTONIC.
    const long result = system_call(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, value,
                                    until ? &limit : nullptr, nullptr, FUTEX_BITSET_MATCH_ANY);
    return result != -ETIMEDOUT;
}

void short_lock::lock_slowly() noexcept {
    while (word_.exchange(2, std::memory_order_acquire) != 0) futex_wait(word_, 2);
}

void short_lock::wake_one() noexcept {
    futex_wake(word_, 1);
}

}  // namespace detail
}  // namespace brio::inline v0
