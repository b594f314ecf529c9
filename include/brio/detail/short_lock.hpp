#pragma once
// A lock for sections of a few instructions, between threads. 0: free, 1: held, 2: held, and someone
// sleeps. Not a pthread lock: those are interposed by the porting layer, which stands above.

#include <brio/version.hpp>

#include <atomic>
#include <cstdint>

namespace brio::inline v0 {
namespace detail {

class short_lock {
public:
    void lock() noexcept {
        std::uint32_t seen = 0;
        if (word_.compare_exchange_strong(seen, 1, std::memory_order_acquire)) return;
        lock_slowly();
    }
    void unlock() noexcept {
        if (word_.exchange(0, std::memory_order_release) == 2) wake_one();
    }

private:
    void lock_slowly() noexcept;
    void wake_one() noexcept;
    std::atomic<std::uint32_t> word_{0};
};

}  // namespace detail
}  // namespace brio::inline v0
