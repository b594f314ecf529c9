// asyncio's Semaphore, where it has to wait or to wake.
//
// What is released while somebody waits is his at once: `value_` does not rise. A waiter that is
// cancelled after that gives it back.

#include "sync/waiter.hpp"

#include <brio/error.hpp>
#include <brio/sync.hpp>

#include <stdexcept>

namespace brio::inline v0 {

semaphore::semaphore(std::ptrdiff_t value, std::ptrdiff_t bound) : value_(value), bound_(bound) {
    if (value < 0) throw std::invalid_argument("semaphore: the value is below 0");
}

void semaphore::acquire_slowly() {
    if (!locked()) {
        --value_;
        return;
    }
    detail::waiter turn(waiters_, waiters_.bind("semaphore::acquire"));
    try {
        turn.wait();
    } catch (const cancelled_error&) {
        if (turn.woken()) ++value_;
        wake_those_allowed();
        throw;
    }
    wake_those_allowed();
}

/// Those who came when there was something left, but somebody else before them.
void semaphore::wake_those_allowed() noexcept {
    while (value_ > 0 && waiters_.wake_next()) --value_;
}

void semaphore::release_slowly() {
    if (value_ >= bound_)
        throw std::invalid_argument("semaphore::release: it was released too many times");
    waiters_.require_right_thread("semaphore::release");
    if (!waiters_.wake_next()) ++value_;
}

void semaphore::unlock_slowly() noexcept {
    try {
        release();
    } catch (const std::logic_error&) {
        detail::report_failed_unlock();
    }
}

}  // namespace brio::inline v0
