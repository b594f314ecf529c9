#pragma once
// wait, wait_for, as_completed, shield.

#include <brio/detail/watcher.hpp>
#include <brio/event_loop.hpp>
#include <brio/gather.hpp>
#include <brio/task.hpp>
#include <brio/timeout.hpp>

#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <type_traits>
#include <utility>
#include <vector>

namespace brio::inline v0 {

enum class completion { first_completed, first_exception, all_completed };
using enum completion;

struct wait_options {
    delay timeout = std::nullopt;
    completion return_when = all_completed;
};
/// Both in the order of the arguments.
template <class F>
struct wait_result {
    std::vector<F> done, pending;
};

namespace detail {
/// Waits as asyncio.wait does; afterwards each core says itself whether it is done.
void wait_for_cores(const std::vector<future_core*>& cores, const wait_options& options);

template <class F, class Range>
wait_result<F> wait_on(Range&& futures, const wait_options& options) {
    std::vector<F> handles;  // ours, while we wait
    std::vector<future_core*> cores;
    for (auto&& f : futures) {
        handles.push_back(f);
        cores.push_back(&handles.back().core());
    }
    cores = without_repeats(cores);
    wait_for_cores(cores, options);
    wait_result<F> result;
    for (future_core* const core : cores) {
        core->retain();
        (core->done() ? result.done : result.pending).push_back(F(core, adopt_t{}));
    }
    return result;
}
}  // namespace detail

/// Suspends until `return_when` holds, or the timeout; then tells which are done. Never throws
/// timeout_error, never cancels a future, takes no callables: create_task them first. Throws
/// std::invalid_argument when the range is empty, cancelled_error, usage_error off a task.
template <future_range R>
[[nodiscard]] wait_result<std::remove_cvref_t<detail::element_t<R>>> wait(
    R&& futures, const wait_options& options = {}) {
    return detail::wait_on<std::remove_cvref_t<detail::element_t<R>>>(futures, options);
}
/// Handles of different types: `wait({text, number})`.
[[nodiscard]] inline wait_result<any_future> wait(std::initializer_list<any_future> futures,
                                                  const wait_options& options = {}) {
    return detail::wait_on<any_future>(futures, options);
}
template <detail::not_future_range R, class... X>
void wait(R&&, X&&...) = delete;  // a range of tasks or futures: create_task the callables first
template <future_range R, detail::not_a<wait_options> X>
void wait(R&&, X&&) = delete;  // wait(tasks, {.timeout = 5s, .return_when = brio::first_completed})

namespace detail {
/// Cancels `core` and waits for its end.
void cancel_and_wait(future_core& core);
[[noreturn]] void throw_timeout_error();

/// wait_for with a limit <= 0. A cancel of the waiting task itself stays one.
template <class A>
await_result_t<A> wait_for_nothing(A&& a) {
    if constexpr (!future_like<A>) {
        return wait_for_nothing(brio::create_task(std::forward<A>(a)));
    } else {
        if (a.done()) return std::forward<A>(a).result();
        cancel_and_wait(a.core());
        try {
            return std::forward<A>(a).result();
        } catch (const cancelled_error&) {
            throw_timeout_error();
        }
    }
}
}  // namespace detail

/// Awaits `a` for at most `timeout`: timeout_at the end as timeout(timeout, ...) has it. A callable
/// runs in the calling task; a task or future is cancelled when the time is up, and its end awaited.
/// With a limit <= 0 what is not done is cancelled at once (a callable never starts).
template <schedulable A>
await_result_t<A> wait_for(A&& a, delay timeout) {
    if (timeout.get() && *timeout.get() <= duration::zero())
        return detail::wait_for_nothing(std::forward<A>(a));
    return brio::timeout(timeout,
                         [&]() -> await_result_t<A> { return brio::await(std::forward<A>(a)); });
}
template <detail::not_schedulable A, class... X>
void wait_for(A&&, X&&...) = delete;  // wait_for([=] { return f(x); }, 5s), or a task or future

namespace detail {
/// asyncio's _AsCompletedIterator, and the queue inside it.
class as_completed_core;
class as_completed_handle {
public:
    as_completed_handle(loop_core& loop, child_list& children, delay timeout);
    as_completed_handle(as_completed_handle&& other) noexcept
        : core_(std::exchange(other.core_, nullptr)) {}
    as_completed_handle& operator=(as_completed_handle&&) = delete;
    ~as_completed_handle();
    /// Suspends until the next child is done, and returns it with a reference; null after the last.
    /// Throws timeout_error.
    [[nodiscard]] future_core* next();

private:
    as_completed_core* core_;
};
template <class A>
struct handle {
    using type = std::remove_cvref_t<A>;
};
template <callable_without_arguments A>
struct handle<A> {
    using type = task<awaited_t<A>>;
};
}  // namespace detail

/// A single-pass range of handles in order of completion. begin() and ++ suspend, and throw
/// timeout_error when the time is up before all are done.
template <class F>
class as_completed_range {
public:
    class iterator {
    public:
        using value_type = F;
        using difference_type = std::ptrdiff_t;
        explicit iterator(as_completed_range& range) : range_(&range) {}
        F& operator*() const noexcept { return range_->current_; }
        iterator& operator++() {
            range_->advance();
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept {
            return i.at_end();
        }

    private:
        [[nodiscard]] bool at_end() const noexcept { return !range_->current_.valid(); }
        as_completed_range* range_;
    };
    explicit as_completed_range(detail::as_completed_handle handle) : handle_(std::move(handle)) {}
    as_completed_range(as_completed_range&&) noexcept = default;

    iterator begin() {
        advance();
        return iterator(*this);
    }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

private:
    void advance() {
        detail::future_core* const core = handle_.next();
        current_ = core == nullptr ? F() : F(core, detail::adopt_t{});
    }
    detail::as_completed_handle handle_;
    F current_;
};

/// for (auto& t : as_completed(tasks, 5s)) use(t.await()); callables are made tasks now. The handles
/// are the arguments' own. What is not done when the loop is left early runs on.
template <awaitable_range R>
[[nodiscard]] as_completed_range<typename detail::handle<detail::element_t<R>>::type> as_completed(
    R&& awaitables, delay timeout = std::nullopt) {
    detail::loop_core& loop = detail::loop_for("as_completed");
    detail::child_list children;
    detail::add_range(loop, "as_completed", children, std::forward<R>(awaitables));
    return as_completed_range<typename detail::handle<detail::element_t<R>>::type>(
        detail::as_completed_handle(loop, children, timeout));
}
template <detail::not_awaitable_range R, class... X>
void as_completed(R&&, X&&...) = delete;  // one range of callables, tasks or futures

namespace detail {
/// asyncio.shield's outer future.
class shield_core : public watcher {
public:
    /// Takes over the reference to `inner`.
    shield_core(loop_core& loop, future_core* inner) noexcept : watcher(loop), inner_(inner) {}
    void begin() noexcept;
    bool cancel(std::string_view message) override;
    void forget_children() noexcept override { forget(watch_); }
    [[nodiscard]] std::string describe() const override;

protected:
    ~shield_core() override;
    void on_done(watch& w) noexcept override;
    [[nodiscard]] future_core& inner() const noexcept { return *inner_; }

private:
    future_core* inner_;  // null after cancel()
    watch watch_;
};
template <class T>
class shield_of final : public with_value<T, shield_core> {
public:
    using with_value<T, shield_core>::with_value;

private:
    void materialize() override {
        this->inner().require_value();
        if constexpr (std::is_void_v<T>)
            this->template store<nothing>();
        else if constexpr (std::is_reference_v<T>)
            this->template store<stored_value<T>>(std::addressof(view_value<T>(this->inner())));
        else
            this->template store_result_of<T>([this] { return take_value<T>(this->inner()); });
    }
};
}  // namespace detail

/// A future of `a`'s result that may be cancelled (as it is when who awaits it is cancelled) without
/// `a` being cancelled; a callable is made a task. Does not suspend. When `a` then fails, the loop's
/// exception handler is told. When `a` is done already, the future is `a` itself.
template <gatherable A>
[[nodiscard("shield does not wait: .await() it")]] future<awaited_t<A>> shield(A&& a) {
    using result = awaited_t<A>;
    detail::loop_core& loop = detail::loop_for("shield");
    detail::future_core* const inner = detail::core_of(loop, "shield", std::forward<A>(a));
    if (inner->done()) return {inner, detail::adopt_t{}};
    auto* const core = new detail::shield_of<result>(loop, inner);
    future<result> outer(core, detail::adopt_t{});
    core->begin();
    return outer;
}
template <class A>
void shield(A&&) = delete;  // [=] { return f(x); }, a task, a future; std::move() if move-only

}  // namespace brio::inline v0
