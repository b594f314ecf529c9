#include "base/invariant.hpp"
#include "scheduler/scheduler.hpp"
#include "thread/futex.hpp"

#include <brio/detail/concurrent_core.hpp>
#include <brio/error.hpp>

#include <climits>
#include <mutex>

namespace brio::inline v0 {
namespace detail {

bool concurrent_core::start() noexcept {
    const std::lock_guard held(lock_);
    if (now() != pending) return false;
    status_.store(at_work, std::memory_order_relaxed);
    return true;
}

bool concurrent_core::cancel() noexcept {
    listener* told = nullptr;
    {
        const std::lock_guard held(lock_);
        if (now() != pending) return now() == stopped;
        told = enter(stopped);
    }
    tell(told);
    return true;
}

void concurrent_core::set_exception(std::exception_ptr error) noexcept {
    exception_ = std::move(error);
    become(finished);
}

void concurrent_core::become(status s) noexcept {
    listener* told = nullptr;
    {
        const std::lock_guard held(lock_);
        invariant(now() == at_work, "a concurrent future ends that has not been started");
        told = enter(s);
    }
    tell(told);
}

/// Precondition: locked.
concurrent_core::listener* concurrent_core::enter(status s) noexcept {
    status_.store(s, std::memory_order_release);
    for (listener* l = first_; l != nullptr; l = l->next_) l->listed_ = false;
    return std::exchange(first_, nullptr);
}

/// A listener may let go of what keeps this alive.
void concurrent_core::tell(listener* first) noexcept {
    futex_wake(status_, INT_MAX);
    while (first != nullptr) std::exchange(first, first->next_)->ended();
}

bool concurrent_core::listen(listener& l) noexcept {
    const std::lock_guard held(lock_);
    if (done()) return false;
    l.next_ = first_;
    l.listed_ = true;
    first_ = &l;
    return true;
}

bool concurrent_core::ignore(listener& l) noexcept {
    const std::lock_guard held(lock_);
    if (!l.listed_) return false;
    listener** place = &first_;
    while (*place != &l) place = &(*place)->next_;
    *place = l.next_;
    l.listed_ = false;
    return true;
}

bool concurrent_core::block(std::optional<duration> limit) noexcept {
    if (limit && *limit <= duration::zero()) return done();
    std::optional<time_point> until;
    if (limit) until = after(clock::now(), *limit);
    for (std::uint32_t seen; (seen = now()) < finished;)
        if (!futex_wait_until(status_, seen, until)) return done();
    return true;
}

std::exception_ptr concurrent_core::exception() {
    if (cancelled()) throw cancelled_error();
    retrieved_.store(true, std::memory_order_relaxed);
    return exception_;
}

void concurrent_core::require_value() {
    if (const std::exception_ptr error = exception()) std::rethrow_exception(error);
    if (taken_.load(std::memory_order_relaxed))
        throw invalid_state_error("result: the result of the concurrent_future was moved out");
}

void concurrent_core::drop() noexcept {
    if (exception_ != nullptr && !retrieved_.load(std::memory_order_relaxed))
        report_unretrieved(std::move(exception_));
    delete this;
}

}  // namespace detail
}  // namespace brio::inline v0
