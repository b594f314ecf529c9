#pragma once
// What the hooks of pthread and C11 locks have in common: who the thread is, when a deadline is, and
// what C11 calls an error.

#include "fiber/fiber.hpp"
#include "thread/worker_pool.hpp"

#include <brio/time.hpp>

#include <cerrno>
#include <ctime>
#include <optional>
#include <threads.h>

namespace brio::inline v0::detail::posix {

/// Threads that do nothing but wait in a fiber's place: many, as none may keep another from waiting.
[[nodiscard]] worker_pool& waiting_pool();

/// The kernel's number of the calling thread, asked for once. In a child of fork it has changed.
[[nodiscard]] int this_thread_id() noexcept;
void threads_after_fork() noexcept;

/// A deadline with more nanoseconds than a second has is EINVAL; one before 1970 has passed.
[[nodiscard]] inline bool is_valid_nanoseconds(const timespec& t) noexcept {
    return t.tv_nsec >= 0 && t.tv_nsec < 1'000'000'000;
}
/// A point on CLOCK_REALTIME or CLOCK_MONOTONIC as one on the loop's clock; none on other clocks.
/// That somebody sets the clock meanwhile is not noticed.
[[nodiscard]] std::optional<time_point> point_on(const fiber& self, clockid_t clock,
                                                 const timespec& when) noexcept;

[[nodiscard]] inline int as_thrd(int error) noexcept {
    switch (error) {
        case 0:
            return thrd_success;
        case ENOMEM:
            return thrd_nomem;
        case ETIMEDOUT:
            return thrd_timedout;
        case EBUSY:
            return thrd_busy;
        default:
            return thrd_error;
    }
}

}  // namespace brio::inline v0::detail::posix
