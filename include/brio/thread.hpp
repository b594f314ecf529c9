#pragma once
// Threads: work for them, results from them, and the way from any thread into a loop.
//
// A loop and its handles belong to one thread. What travels: loop_handle, concurrent_future,
// thread_pool, context, and what a callable captures by value.

#include <brio/awaitable.hpp>
#include <brio/context.hpp>
#include <brio/detail/concurrent_core.hpp>
#include <brio/detail/watcher.hpp>
#include <brio/event_loop.hpp>
#include <brio/future.hpp>
#include <brio/task.hpp>
#include <brio/time.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace brio::inline v0 {

namespace detail {

/// A core with room for a value of T.
template <class T, class Base = concurrent_core>
class concurrent_value : public Base {
public:
    template <class... A>
    explicit concurrent_value(A&&... a) : Base(std::forward<A>(a)...) {}

protected:
    ~concurrent_value() override {
        using value_type = stored_value<T>;
        if (this->has_value_) value_.~value_type();
    }

private:
    [[nodiscard]] void* value_place() noexcept final { return std::addressof(value_); }
    union {
        stored_value<T> value_;
    };
};

/// Stores what f() returns.
template <class T, class F>
void store_call(concurrent_core& core, F&& f) {
    core.store_result_of<stored_value<T>>([&]() -> stored_value<T> {
        if constexpr (std::is_void_v<T>) {
            std::forward<F>(f)();
            return {};
        } else if constexpr (std::is_reference_v<T>) {
            return std::addressof(std::forward<F>(f)());
        } else {
            return std::forward<F>(f)();
        }
    });
}

/// Blocks the thread, or suspends the fiber, until `core` is done. Throws timeout_error, on a fiber
/// cancelled_error, and usage_error, naming `call`, in a callback of a loop.
void wait_until_done(concurrent_core& core, delay timeout, const char* call);

}  // namespace detail

/// concurrent.futures.Future: a result that another thread brings. The one handle that any thread may
/// copy, use and drop (the count is atomic). Handles are shared_ptr-like; an empty one is not
/// valid(), and all else throws usage_error.
template <class T>
class concurrent_future {
public:
    using value_type = T;
    concurrent_future() noexcept = default;
    concurrent_future(const concurrent_future& other) noexcept : core_(other.core_) {
        if (core_ != nullptr) core_->retain();
    }
    concurrent_future(concurrent_future&& other) noexcept
        : core_(std::exchange(other.core_, nullptr)) {}
    concurrent_future& operator=(concurrent_future other) noexcept {
        std::swap(core_, other.core_);
        return *this;
    }
    ~concurrent_future() {
        if (core_ != nullptr) core_->release();
    }

    [[nodiscard]] bool valid() const noexcept { return core_ != nullptr; }
    /// Waits until it is done: blocks a thread, suspends a fiber. On an lvalue: a view of the shared
    /// result, valid while a handle lives. On an rvalue: the value, moved when this is the last
    /// handle, else copied; a move-only value is taken (then no other thread may be reading it), and
    /// a later read throws invalid_state_error. Throws what the work threw, cancelled_error when it
    /// was cancelled, timeout_error when `timeout` is over first. On a fiber a cancel ends the wait
    /// alone: the work goes on. usage_error in a callback of a loop, which must not wait.
    shared_result_t<T> result(delay timeout = std::nullopt) const& {
        wait(timeout, "concurrent_future::result");
        return detail::view_value<T>(core());
    }
    T result(delay timeout = std::nullopt) && {
        wait(timeout, "concurrent_future::result");
        const concurrent_future last = std::move(*this);
        return detail::take_value<T>(last.core());
    }
    /// Waits likewise. Null when there is a value.
    [[nodiscard]] std::exception_ptr exception(delay timeout = std::nullopt) const {
        detail::wait_until_done(core(), timeout, "concurrent_future::exception");
        return core().exception();
    }
    /// Pool work is cancelled as long as no thread has begun with it; a run_threadsafe() until it is
    /// done, and its task gets the cancel. False when it is too late for that; true, also when it
    /// has been cancelled already: this future is cancelled from now on. Never waits.
    bool cancel() const { return core().cancel(); }
    [[nodiscard]] bool cancelled() const { return core().cancelled(); }
    /// A thread is at work on it.
    [[nodiscard]] bool running() const { return core().running(); }
    [[nodiscard]] bool done() const { return core().done(); }

    /// For brio itself: takes over a reference.
    concurrent_future(detail::concurrent_core* core, detail::adopt_t) noexcept : core_(core) {}
    /// For brio itself. usage_error when empty.
    [[nodiscard]] detail::concurrent_core& core() const {
        if (core_ == nullptr) detail::throw_empty_handle();
        return *core_;
    }

private:
    void wait(delay timeout, const char* call) const {
        detail::wait_until_done(core(), timeout, call);
        core().require_value();
    }
    detail::concurrent_core* core_ = nullptr;
};

// ------------------------------------------------------------------------------ a future of a loop

namespace detail {
/// The running loop; usage_error, naming `call`, without one.
[[nodiscard]] loop_core& loop_for_wrapping(const char* call);

/// A loop's future that gets what comes of a concurrent_core. It keeps itself alive until then.
class wrapped_core : public listed_core {
public:
    /// Takes over a reference to `source`.
    wrapped_core(loop_core& loop, concurrent_core& source) noexcept
        : listed_core(loop), source_(source) {}
    void begin();
    bool cancel(std::string_view message) override;
    void forget_children() noexcept override;

protected:
    ~wrapped_core() override;
    [[nodiscard]] concurrent_core& source() const noexcept { return source_; }

private:
    static void hear(void* self);
    void take_over() noexcept;
    void stop_listening() noexcept;
    virtual void take_value() = 0;

    concurrent_core& source_;
    end_notice* notice_ = nullptr;
};
template <class T>
class wrapped_core_of final : public with_value<T, wrapped_core> {
public:
    using with_value<T, wrapped_core>::with_value;

private:
    void take_value() override {
        if constexpr (std::is_object_v<T>)
            this->template store<T>(detail::take_value<T>(this->source()));
        else
            this->template store<stored_value<T>>(this->source().template value<stored_value<T>>());
    }
};
template <class T>
future<T> wrap_on(loop_core& loop, concurrent_future<T> f) {
    f.core().retain();
    auto* const core = new wrapped_core_of<T>(loop, f.core());
    future<T> wrapped(core, adopt_t{});
    f = {};
    core->begin();
    return wrapped;
}
}  // namespace detail

/// The same result as a future of the running loop: asyncio's wrap_future. A cancel of it is passed
/// on, and it becomes cancelled when `f` is. usage_error without a running loop.
template <class T>
[[nodiscard("wrap_future does not wait: .await() it")]] future<T> wrap_future(
    concurrent_future<T> f) {
    return detail::wrap_on(detail::loop_for_wrapping("wrap_future"), std::move(f));
}

// ------------------------------------------------------------------------- from a thread into a loop

namespace detail {
/// The future of a run_threadsafe(). An error that nobody asks for goes to the loop's handler.
class remote_core : public concurrent_core {
public:
    explicit remote_core(const loop_handle& loop) noexcept : loop_(loop) {}
    /// Has the loop call `body`; usage_error when it is closed.
    void start_on_loop(callback_body* body) const;

private:
    void report_unretrieved(std::exception_ptr&& error) noexcept override;
    const loop_handle loop_;
};

/// The side that brings the result. Cancels the future when it goes without having done so.
class promise {
public:
    explicit promise(concurrent_core& core) noexcept : core_(&core) { core.retain(); }
    promise(promise&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    promise& operator=(promise&&) = delete;
    ~promise() {
        if (core_ == nullptr) return;
        core_->cancel();
        core_->release();
    }
    [[nodiscard]] concurrent_core& core() const noexcept { return *core_; }

private:
    concurrent_core* core_;
};

/// Once `task` is done `store(task, core)` is called for a value; an error and a cancel are passed on,
/// a cancel of the core to the task.
void fulfil_by(const any_task& task, promise p, void (*store)(future_core&, concurrent_core&));
/// Inside a catch: the task could not be made.
void fail(const promise& p) noexcept;

template <class T>
void store_from_task(future_core& task, concurrent_core& to) {
    store_call<T>(to, [&]() -> T { return take_value<T>(task); });
}
}  // namespace detail

/// asyncio's run_coroutine_threadsafe: makes a task of f on another thread's loop, in a copy of this
/// thread's context. Any thread. Does not wait. A cancel of the future cancels the task, a task that
/// is cancelled cancels the future. Dropping the handle detaches; an error that nobody asks for is
/// reported to the loop's exception handler. When the loop closes before the task is done (or
/// before it was made) the future is cancelled: nobody waits for ever. Throws usage_error when the
/// loop is closed: f has not been called, and is destroyed here.
template <task_body F>
concurrent_future<awaited_t<F>> run_threadsafe(F&& f, const loop_handle& loop) {
    using result = awaited_t<F>;
    auto* const core = new detail::concurrent_value<result, detail::remote_core>(loop);
    concurrent_future<result> handle(core, detail::adopt_t{});
    auto start = [p = detail::promise(*core),
                  body = std::decay_t<F>(std::forward<F>(f))]() mutable {
        if (p.core().cancelled()) return;
        task<result> made;
        try {
            made = create_task(std::move(body));
        } catch (...) {
            return detail::fail(p);
        }
        detail::fulfil_by(made, std::move(p), &detail::store_from_task<result>);
    };
    core->start_on_loop(detail::make_body(std::move(start)));
    return handle;
}
template <detail::not_task_body F, class... X>
void run_threadsafe(F&&, X&&...) = delete;  // run_threadsafe([=] { f(x); }, loop)

// ---------------------------------------------------------------------------------------- the pool

struct thread_pool_options {
    std::size_t threads = 0;    // at most; min(32, processors + 4) when 0
    std::string name = "brio";  // debuggers show the threads as "brio-0", "brio-1", ...
};

namespace detail {
/// Work for a thread of a pool, and its future.
class work_core : public concurrent_core {
public:
    /// On that thread. Does nothing but destroy the callable when it has been cancelled.
    void run() noexcept;

private:
    virtual void call() = 0;
    virtual void destroy_callable() noexcept = 0;
};
template <class F, class T>
class work_of final : public concurrent_value<T, work_core> {
public:
    template <class G>
    explicit work_of(G&& g) : callable_(std::forward<G>(g)) {}

private:
    ~work_of() override { destroy_callable(); }
    void call() override { store_call<T>(*this, std::move(callable_)); }
    void destroy_callable() noexcept override {
        if (std::exchange(has_callable_, false)) callable_.~F();
    }
    union {
        F callable_;
    };
    bool has_callable_ = true;
};
}  // namespace detail

/// Threads for work that blocks: ThreadPoolExecutor. They are made when work finds none idle, up to
/// the limit; they have all signals blocked. Any thread may use it.
class thread_pool {
public:
    explicit thread_pool(const thread_pool_options& options = {});
    thread_pool(const thread_pool&) = delete;
    thread_pool& operator=(const thread_pool&) = delete;
    /// shutdown(), whether it was called or not: waits for the work. On a fiber it suspends, and a
    /// cancel stays pending meanwhile.
    ~thread_pool();
    /// A thread calls f() as soon as one is free, in order. The callable is moved to the pool and
    /// destroyed before the future is done. Does not wait. Throws usage_error after shutdown(),
    /// std::system_error when no thread can be made.
    template <task_body F>
    concurrent_future<awaited_t<F>> submit(F&& f) {
        using result = awaited_t<F>;
        auto* const work = new detail::work_of<std::decay_t<F>, result>(std::forward<F>(f));
        concurrent_future<result> handle(work, detail::adopt_t{});
        submit_work(*work);
        return handle;
    }
    template <detail::not_task_body F, class... X>
    void submit(F&&, X&&...) = delete;  // [=] { f(x); }, not f(x); std::move(f) if move-only
    /// No work is accepted any more; with `wait` it waits until what was accepted is done: blocks a
    /// thread, suspends a fiber (a cancel ends that wait). May be called again. usage_error on one
    /// of its own threads, which would wait for itself.
    void shutdown(bool wait = true);

private:
    class state;
    friend class detail::executor;
    void submit_work(detail::work_core& work);
    void wait_for_end(delay timeout);
    state* state_;
};

/// Has a thread of `pool` call f; a future of the running loop. A cancel keeps work that no thread has
/// begun with from being done; else it ends the wait alone. Errors as thread_pool::submit.
template <task_body F>
[[nodiscard("run_in_executor does not wait: .await() it")]] future<awaited_t<F>> run_in_executor(
    thread_pool& pool, F&& f) {
    detail::loop_core& loop = detail::loop_for_wrapping("run_in_executor");
    return detail::wrap_on(loop, pool.submit(std::forward<F>(f)));
}

namespace detail {
/// The running loop's. usage_error, naming `call`, without one, and after it was shut down.
[[nodiscard]] thread_pool& default_executor(const char* call);
template <class F>
future<awaited_t<F>> run_in_default_executor(F&& f, const char* call) {
    return run_in_executor(default_executor(call), std::forward<F>(f));
}
}  // namespace detail

/// Likewise in the loop's default pool: see event_loop::set_default_executor. usage_error after
/// event_loop::shutdown_default_executor().
template <task_body F>
[[nodiscard("run_in_executor does not wait: .await() it")]] future<awaited_t<F>> run_in_executor(
    F&& f) {
    return detail::run_in_default_executor(std::forward<F>(f), "run_in_executor");
}
template <detail::not_task_body F, class... X>
void run_in_executor(F&&, X&&...) = delete;  // run_in_executor([=] { f(x); })

/// What to_thread takes: not a handle of a loop, whose count is not atomic.
template <class A>
concept may_leave_the_loop_thread = !std::derived_from<std::decay_t<A>, any_future>;

/// Calls f(args...) on a thread of the loop's default pool, in a copy of the current context; returns
/// what it returns, throws what it throws. Copies or moves f and the arguments, as std::thread does.
/// **Suspends**. A cancel ends the wait at once: the call goes on, or, when no thread has begun with
/// it, is not made. What f uses by reference must outlive the call, not the wait. Throws
/// cancelled_error; usage_error off a task, and as run_in_executor.
template <class F, may_leave_the_loop_thread... A>
requires std::invocable<std::decay_t<F>, std::decay_t<A>...>
auto to_thread(F&& f, A&&... args)
    -> detail::stored_t<std::invoke_result_t<std::decay_t<F>, std::decay_t<A>...>> {
    using result = std::invoke_result_t<std::decay_t<F>, std::decay_t<A>...>;
    auto call = [here = copy_context(), f = std::decay_t<F>(std::forward<F>(f)),
                 all =
                     std::tuple<std::decay_t<A>...>(std::forward<A>(args)...)]() mutable -> result {
        return here.run([&]() -> result { return std::apply(std::move(f), std::move(all)); });
    };
    return detail::run_in_default_executor(std::move(call), "to_thread").await();
}

}  // namespace brio::inline v0
