#pragma once
// Waiting between threads by raw futex calls: pthread locks are interposed by the porting layer,
// which stands above this floor.

#include <brio/version.hpp>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace brio::inline v0 {
namespace detail {

/// Sleeps while `word` is `value`. Returns spuriously too.
inline void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
    const int saved = errno;
    ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
    errno = saved;
}

inline void futex_wake(std::atomic<std::uint32_t>& word, int how_many) noexcept {
    const int saved = errno;
    ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, how_many, nullptr, nullptr, 0);
    errno = saved;
}

/// A lock for sections of a few instructions. 0: free, 1: held, 2: held, and someone sleeps.
class short_lock {
public:
    void lock() noexcept {
        std::uint32_t seen = 0;
        if (word_.compare_exchange_strong(seen, 1, std::memory_order_acquire)) return;
        while (word_.exchange(2, std::memory_order_acquire) != 0) futex_wait(word_, 2);
    }
    void unlock() noexcept {
        if (word_.exchange(0, std::memory_order_release) == 2) futex_wake(word_, 1);
    }

private:
    std::atomic<std::uint32_t> word_{0};
};

}  // namespace detail
}  // namespace brio::inline v0
