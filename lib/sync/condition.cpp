// asyncio's Condition.

#include "sync/waiter.hpp"

#include <brio/error.hpp>
#include <brio/sync.hpp>

#include <optional>
#include <utility>

namespace brio::inline v0 {

namespace {

/// What cancels f(); none when it returns.
template <class F>
std::optional<cancelled_error> cancel_of(F f) {
    try {
        f();
        return std::nullopt;
    } catch (const cancelled_error& error) {
        return error;
    }
}

}  // namespace

void condition::wait() {
    if (!locked()) throw usage_error("condition::wait: the lock is not held");
    detail::waiter turn(waiters_, waiters_.bind("condition::wait"));
    release();
    auto cancelled = cancel_of([&] { turn.wait(); });
    while (auto again = cancel_of([&] { acquire(); })) cancelled = std::move(again);
    if (!cancelled) return;
    wake(1);  // what this task may have been notified of
    throw *std::move(cancelled);
}

void condition::notify(std::size_t n) {
    if (!locked()) throw usage_error("condition::notify: the lock is not held");
    waiters_.require_right_thread("condition::notify");
    wake(n);
}

void condition::wake(std::size_t n) noexcept {
    while (n > 0 && waiters_.wake_next()) --n;
}

}  // namespace brio::inline v0
