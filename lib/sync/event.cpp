// asyncio's Event, where it has to wait or to wake.

#include "sync/waiter.hpp"

#include <brio/sync.hpp>

namespace brio::inline v0 {

void event::wait_for_set() {
    detail::waiter(waiters_, waiters_.bind("event::wait")).wait();
}

void event::wake_all() {
    waiters_.require_right_thread("event::set");
    set_ = true;
    waiters_.wake_all();
}

}  // namespace brio::inline v0
