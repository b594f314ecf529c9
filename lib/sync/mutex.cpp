// asyncio's Lock, where it has to wait or to wake.
//
// Whoever is first in the list is woken, or the lock is held: so nobody waits for a free lock. A first
// one that was cancelled sees to it when he runs.

#include "sync/waiter.hpp"

#include <brio/error.hpp>
#include <brio/sync.hpp>

namespace brio::inline v0 {

void mutex::acquire_slowly() {
    if (locked_ || waiters_.has_live()) {
        detail::waiter turn(waiters_, waiters_.bind("mutex::acquire"));
        try {
            turn.wait();
        } catch (const cancelled_error&) {
            if (!locked_) waiters_.wake_first();
            throw;
        }
    }
    locked_ = true;
}

void mutex::release_slowly() {
    if (!locked_) throw usage_error("mutex::release: the lock is not held");
    waiters_.require_right_thread("mutex::release");
    locked_ = false;
    waiters_.wake_first();
}

void mutex::unlock_slowly() noexcept {
    try {
        release();
    } catch (const usage_error&) {
        detail::report_failed_unlock();
    }
}

}  // namespace brio::inline v0
