#pragma once
// timeout scopes, and deferring a cancellation.

#include <brio/event_loop.hpp>
#include <brio/task.hpp>
#include <brio/time.hpp>

#include <concepts>
#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace brio::inline v0 {

namespace detail {
template <class F, class Scope>
concept body_without_scope = std::invocable<F> && !std::invocable<F, Scope&>;
template <class F, class Scope>
struct body_result;
template <class F, class Scope>
requires body_without_scope<F, Scope>
struct body_result<F, Scope> {
    using type = std::invoke_result_t<F>;
};
template <class F, class Scope>
requires std::invocable<F, Scope&>
struct body_result<F, Scope> {
    using type = std::invoke_result_t<F, Scope&>;
};
template <class F, class Scope>
decltype(auto) call_body(F&& body, Scope& scope) {
    if constexpr (std::invocable<F, Scope&>)
        return std::forward<F>(body)(scope);
    else
        return std::forward<F>(body)();
}
/// `return kept;` for values (moved or elided) and references alike.
template <class T>
T give(std::remove_reference_t<T>& kept) {
    if constexpr (std::is_reference_v<T>)
        return static_cast<T>(kept);
    else
        return std::move(kept);
}
}  // namespace detail

/// A callable that takes the scope by reference, or nothing.
template <class F, class Scope>
concept body_of = std::invocable<F, Scope&> || std::invocable<F>;
template <class F, class Scope>
using body_result_t = typename detail::body_result<F, Scope>::type;

namespace detail {
template <class F, class Scope>
concept not_body_of = !body_of<F, Scope>;
}  // namespace detail

/// asyncio.timeout: limits the time that a body may take. When the time is up the task is cancelled;
/// at the end of run() that cancellation becomes timeout_error, unless somebody else has cancelled
/// the task as well, or the body has ended otherwise.
class timeout_scope {
public:
    /// From the beginning of run(); none: no limit.
    explicit timeout_scope(delay d);
    explicit timeout_scope(deadline when);
    timeout_scope(const timeout_scope&) = delete;
    timeout_scope& operator=(const timeout_scope&) = delete;
    ~timeout_scope();

    /// Calls body(*this) or body() in the calling task and returns its result. Once: usage_error the
    /// second time, or outside a task. Throws timeout_error when the time was up, else what the
    /// body throws. A body that calls C code which fails with ECANCELED for the timeout and returns
    /// normally still ends in timeout_error. A result that was there when the time was up is
    /// returned, and expired() is true.
    template <body_of<timeout_scope> F>
    body_result_t<F, timeout_scope> run(F&& body) {
        using result = body_result_t<F, timeout_scope>;
        enter();
        try {
            if constexpr (std::is_void_v<result>) {
                detail::call_body(std::forward<F>(body), *this);
                leave();
            } else {
                result kept = detail::call_body(std::forward<F>(body), *this);
                leave();
                return detail::give<result>(kept);
            }
        } catch (...) {
            leave_by_exception();
            throw;
        }
    }
    /// Another deadline, or none. In the past: the next turn. usage_error before run(), and after
    /// the time was up or run() has ended.
    void reschedule(deadline when);
    [[nodiscard]] std::optional<time_point> when() const noexcept { return when_; }
    /// Whether the time was up before the body ended. May be asked afterwards.
    [[nodiscard]] bool expired() const noexcept {
        return state_ == state::expiring || state_ == state::expired;
    }

private:
    //  created -> entered -> expiring (the timer has cancelled the task) -> expired
    //                     -> exited
    enum class state : std::uint8_t { created, entered, expiring, expired, exited };

    void enter();
    /// The body has returned. Throws timeout_error where its C code was cut short.
    void leave();
    /// Inside the catch of what the body threw. Throws timeout_error in its place, or returns.
    void leave_by_exception();
    bool end();
    void arm();
    void on_timeout();

    std::optional<duration> delay_;
    std::optional<time_point> when_;
    any_task task_;
    callback_handle timer_;
    int cancelling_ = 0;
    state state_ = state::created;
};

/// timeout_scope{d}.run(body): `brio::timeout(5s, [&] { return fetch(url); })`.
template <body_of<timeout_scope> F>
body_result_t<F, timeout_scope> timeout(delay d, F&& body) {
    return timeout_scope(d).run(std::forward<F>(body));
}
template <detail::not_body_of<timeout_scope>... F>
void timeout(delay, F&&...) = delete;  // timeout(5s, [&] { ... }): the body is an argument
template <body_of<timeout_scope> F>
body_result_t<F, timeout_scope> timeout_at(deadline when, F&& body) {
    return timeout_scope(when).run(std::forward<F>(body));
}
template <detail::not_body_of<timeout_scope>... F>
void timeout_at(deadline, F&&...) = delete;  // timeout_at(when, [&] { ... })
template <class Rep, class Period, class F>
void timeout_at(std::chrono::duration<Rep, Period>, F&&) = delete;  // brio::clock::now() + 5s

/// While one lives, a cancellation of this task stays pending; it is delivered at the first
/// suspension after. For code that must not be left half-way, and for destructors that suspend
/// outside unwinding (during unwinding cancellation is deferred by itself): a cancelled_error out of
/// a destructor would end the program. Nests. For the task that made it; outside a task no effect.
/// Not in asyncio, whose clean-up code may throw.
class [[nodiscard]] defer_cancel {
public:
    defer_cancel() noexcept;
    defer_cancel(const defer_cancel&) = delete;
    defer_cancel& operator=(const defer_cancel&) = delete;
    ~defer_cancel();

private:
    detail::fiber* fiber_;
};

/// defer_cancel around a call: `brio::shielded([&] { log.flush(); })`. The call runs in this task;
/// asyncio's shield(), which makes a task of its own, is brio::shield.
template <std::invocable F>
std::invoke_result_t<F> shielded(F&& f) {
    const defer_cancel whole;
    return std::forward<F>(f)();
}

}  // namespace brio::inline v0
