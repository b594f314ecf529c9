#pragma once
// The loop as a user sees it, and the handle by which other threads reach it.

#include <brio/awaitable.hpp>
#include <brio/context.hpp>
#include <brio/task.hpp>
#include <brio/time.hpp>

#include <concepts>
#include <exception>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace brio::inline v0 {

namespace detail {
/// A callback that waits for its turn, or for its time. Counted: the handle and the queue hold it.
class callback_core {
public:
    virtual void cancel() noexcept = 0;
    [[nodiscard]] virtual bool cancelled() const noexcept = 0;
    [[nodiscard]] virtual std::optional<time_point> when() const noexcept = 0;
    void retain() noexcept { ++references_; }
    void release() noexcept {
        if (--references_ == 0) delete this;
    }

protected:
    virtual ~callback_core() = default;

private:
    unsigned references_ = 1;
};
/// The callable itself, with a copy of the context in which it was made. Called once or dropped, but
/// for those of add_reader and the like.
class callback_body {
public:
    callback_body() = default;
    callback_body(const callback_body&) = delete;
    callback_body& operator=(const callback_body&) = delete;
    virtual ~callback_body() = default;
    void run() {
        context_.run([this] { call(); });
    }

private:
    virtual void call() = 0;
    context context_ = copy_context();
};
template <class F>
class callback_body_of final : public callback_body {
public:
    template <class G>
    explicit callback_body_of(G&& g) : function_(std::forward<G>(g)) {}

private:
    void call() override { std::move(function_)(); }
    F function_;
};
template <class F>
callback_body* make_body(F&& f) {
    return new callback_body_of<std::decay_t<F>>(std::forward<F>(f));
}
/// A callable that may be called again and again.
template <class F>
class repeated_body_of final : public callback_body {
public:
    template <class G>
    explicit repeated_body_of(G&& g) : function_(std::forward<G>(g)) {}

private:
    void call() override { function_(); }
    F function_;
};
template <class F>
callback_body* make_repeated_body(F&& f) {
    return new repeated_body_of<std::decay_t<F>>(std::forward<F>(f));
}
template <class Limit, class D, class... X>
concept no_timed_call =
    !(sizeof...(X) == 1 && std::convertible_to<D, Limit> && (std::invocable<X> && ...));
}  // namespace detail

/// asyncio's Handle and TimerHandle. Dropping it does not cancel the callback.
class callback_handle {
public:
    callback_handle() noexcept = default;
    callback_handle(const callback_handle& other) noexcept : core_(other.core_) {
        if (core_ != nullptr) core_->retain();
    }
    callback_handle(callback_handle&& other) noexcept
        : core_(std::exchange(other.core_, nullptr)) {}
    callback_handle& operator=(callback_handle other) noexcept {
        std::swap(core_, other.core_);
        return *this;
    }
    ~callback_handle() {
        if (core_ != nullptr) core_->release();
    }
    /// The callback will not run, even when its turn has come already. Harmless when it has run.
    void cancel() const noexcept {
        if (core_ != nullptr) core_->cancel();
    }
    [[nodiscard]] bool cancelled() const noexcept { return core_ != nullptr && core_->cancelled(); }
    /// Of call_later and call_at; empty for call_soon.
    [[nodiscard]] std::optional<time_point> when() const noexcept {
        return core_ != nullptr ? core_->when() : std::nullopt;
    }
    /// For brio itself.
    explicit callback_handle(detail::callback_core* core) noexcept : core_(core) {}

private:
    detail::callback_core* core_ = nullptr;
};

/// What an exception handler is told. Lives for the handler's call.
struct exception_report {
    std::string_view message;
    std::exception_ptr exception;  // may be null
    any_future future;             // empty when none
};

/// The loop: one a thread. Made by run() or runner. For its own thread only, but for the names that
/// end in _threadsafe; other threads keep a loop_handle.
class event_loop {
public:
    event_loop(const event_loop&) = delete;
    event_loop& operator=(const event_loop&) = delete;

    /// Calls f in the next turn, after what is ready already, on the loop's stack: it must not
    /// suspend (start a task for that). What f throws goes to the exception handler. Throws
    /// usage_error when the loop is closed.
    template <std::invocable F>
    callback_handle call_soon(F&& f) {
        return call_soon_body(detail::make_body(std::forward<F>(f)));
    }
    template <class... X>
    void call_soon(X&&...) = delete;  // call_soon([=] { f(x); })
    /// Calls f after `d` (<= 0: in the next turn, after what is ready and after finished I/O).
    template <std::invocable F>
    callback_handle call_later(delay d, F&& f) {
        return call_later_body(d, detail::make_body(std::forward<F>(f)));
    }
    template <class D, class... X>
    requires detail::no_timed_call<delay, D, X...>
    void call_later(D&&, X&&...) = delete;  // call_later(5s, [=] { f(x); })
    /// std::invalid_argument for a deadline of none, as for a delay of none above.
    template <std::invocable F>
    callback_handle call_at(deadline when, F&& f) {
        return call_at_body(when, detail::make_body(std::forward<F>(f)));
    }
    template <class D, class... X>
    requires detail::no_timed_call<deadline, D, X...>
    void call_at(D&&, X&&...) = delete;  // call_at(loop.time() + 5s, [=] { f(x); })
    /// As call_soon, from any thread while the loop lives. See loop_handle for the safe form.
    template <std::invocable F>
    void call_soon_threadsafe(F&& f);
    template <class... X>
    void call_soon_threadsafe(X&&...) = delete;  // call_soon_threadsafe([=] { f(x); })

    /// Calls f, on the loop's stack, once a turn while descriptor `fd` is readable (or has an error, or
    /// its other end has gone); add_writer: writable. One callback for each descriptor and direction:
    /// a second add replaces the first. It lasts until it is removed, or the loop is closed: what f
    /// refers to must live as long. Does not take the descriptor: remove it here before you close
    /// it. What is always ready, such as a regular file, is called in every turn (asyncio
    /// refuses those). Throws std::system_error (EBADF), usage_error when the loop is closed.
    template <std::invocable F>
    void add_reader(int fd, F&& f) {
        add_reader_body(fd, detail::make_repeated_body(std::forward<F>(f)));
    }
    template <std::invocable F>
    void add_writer(int fd, F&& f) {
        add_writer_body(fd, detail::make_repeated_body(std::forward<F>(f)));
    }
    template <class... X>
    void add_reader(int, X&&...) = delete;  // add_reader(fd, [=] { f(x); })
    template <class... X>
    void add_writer(int, X&&...) = delete;  // add_writer(fd, [=] { f(x); })
    /// The callback will not be called any more, even when its turn has come already. False when there
    /// is none, and on a closed loop.
    bool remove_reader(int fd);
    bool remove_writer(int fd);

    /// Calls f, on the loop's stack, for each delivery of `signal` to the process (for deliveries that
    /// the kernel has not merged). A second add replaces the first. The signal is handled, not
    /// blocked: whichever thread gets it, the loop's thread calls f; programs started by exec find
    /// the default action. System calls that it interrupts go on (SA_RESTART). For SIGINT it takes the
    /// place of run()'s own handling. Unlike asyncio's, for a loop on any thread; a signal belongs to
    /// one loop at a time. Throws std::invalid_argument for what is no signal; usage_error when
    /// another loop has it, when it cannot be caught (SIGKILL, SIGSTOP), and when the loop is closed.
    template <std::invocable F>
    void add_signal_handler(int signal, F&& f) {
        add_signal_handler_body(signal, detail::make_repeated_body(std::forward<F>(f)));
    }
    template <class... X>
    void add_signal_handler(int, X&&...) = delete;  // add_signal_handler(SIGTERM, [=] { f(x); })
    /// Restores what the signal did before add_signal_handler, as closing the loop does. False when
    /// this loop has no handler for it. std::invalid_argument for what is no signal.
    bool remove_signal_handler(int signal);

    /// The pool of run_in_executor and to_thread in place of one that the loop makes at first use
    /// (min(32, processors + 4) threads, "brio-0", "brio-1", ...). Not taken over, but shut down by
    /// shutdown_default_executor(): keep it until the loop is closed. usage_error after that.
    void set_default_executor(thread_pool& pool);
    /// No work is accepted any more; **suspends** until what was accepted is done. run() and
    /// runner::close call it at the end, with 5 minutes. When `timeout` is over first, that is
    /// reported to the exception handler, and the threads go on without the loop. Throws
    /// cancelled_error.
    void shutdown_default_executor(delay timeout = std::nullopt);

    /// create_task and create_future on this loop, also before it runs.
    template <task_body F>
    task<awaited_t<F>> create_task(F&& f, const task_options& options = {},
                                   detail::call_site made_at = detail::call_site::current()) {
        require_open("create_task");
        return detail::create_task_on(core_, std::forward<F>(f), options, made_at);
    }
    template <detail::not_task_body F, class... X>
    void create_task(F&&, X&&...) = delete;  // [=] { f(x); }, not f(x); std::move(f) if move-only
    template <task_body F, detail::not_a<task_options> X>
    void create_task(F&&, X&&) = delete;  // the second argument is {.name = "..."}
    template <class T>
    [[nodiscard]] future<T> create_future() {
        return {new detail::with_value<T>(core_), detail::adopt_t{}};
    }
    void create_future() = delete;  // of what? create_future<int>()

    /// The loop's clock: a fresh reading.
    [[nodiscard]] time_point time() const noexcept;
    /// The turn under way still ends; what it queued runs when the loop runs again.
    void stop();
    /// Runs until stop(). usage_error when this thread runs a loop, or when closed.
    void run_forever();
    /// Runs until `a` is done (a callable is made a task), and one turn more; returns its result.
    /// usage_error when stop() came first, and as run_forever(): then a callable is not made a task.
    template <schedulable A>
    awaited_t<A> run_until_complete(A&& a) {
        require_able_to_run("run_until_complete");
        if constexpr (future_like<A>) {
            std::remove_cvref_t<A> handle(std::forward<A>(a));
            run_until_done(handle, false);
            return std::move(handle).result();
        } else {
            auto handle = create_task(std::forward<A>(a));
            run_until_done(handle, true);
            return std::move(handle).result();
        }
    }
    template <detail::not_schedulable A>
    void run_until_complete(A&&) = delete;  // [=] { f(x); }, not f(x); std::move(f) if move-only
    /// One turn, for a loop that is the guest of another one: sleeps for at most `timeout` when nothing
    /// is ready (<= 0: not at all; none: without a limit), then runs what is ready. stop() has no
    /// meaning for it. Throws usage_error as run_forever().
    void run_once(delay timeout);
    /// A descriptor that polls readable while run_once(0s) has something to do: finished I/O, a timer
    /// that is due, callbacks from other threads, tasks that were started or woken between turns.
    /// For the host's poll, epoll, GLib or Qt: nothing is read from it, run_once() makes it quiet. The
    /// loop owns it, until it is closed. The first call makes it, and from then on each run_once()
    /// makes a few system calls more. Throws std::system_error; usage_error on a virtual clock.
    [[nodiscard]] int fd();
    [[nodiscard]] bool is_running() const noexcept;
    [[nodiscard]] bool is_closed() const noexcept;

    /// Replaces the handler of what nobody catches: callbacks that throw, exceptions that were never
    /// retrieved. The default one writes to stderr. A handler that throws is reported by the default.
    template <std::invocable<const exception_report&> F>
    void set_exception_handler(F&& f) {
        set_handler_body(new handler_of<std::decay_t<F>>(std::forward<F>(f)));
    }
    void call_exception_handler(const exception_report& report);
    /// What is called where no handler was set, for handlers that only look: writes to stderr.
    void default_exception_handler(const exception_report& report);

    /// Debug mode: reports say where a task was made, and a callback or a task's step that holds the
    /// loop for too long is reported. Also BRIO_DEBUG=1.
    void set_debug(bool on) noexcept;
    [[nodiscard]] bool get_debug() const noexcept;
    /// How long is too long, in debug mode: 100 ms at first; none: nothing is. Time on the loop's
    /// clock, so nothing is slow on a virtual one. asyncio's attribute of that name.
    void set_slow_callback_duration(delay d);
    /// duration::max() for none.
    [[nodiscard]] duration slow_callback_duration() const noexcept;

    /// "io_uring", "epoll" or "scripted"; "none" until the loop first needed one.
    [[nodiscard]] std::string_view reactor_name() const noexcept;
    /// One line: which reactor, and why that one.
    [[nodiscard]] std::string_view reactor_reason() const noexcept;

    /// For brio itself.
    class handler {
    public:
        handler() = default;
        handler(const handler&) = delete;
        handler& operator=(const handler&) = delete;
        virtual ~handler() = default;
        virtual void call(const exception_report& report) = 0;
    };
    /// For brio itself.
    [[nodiscard]] detail::loop_core& core() noexcept { return core_; }

private:
    friend class detail::loop_core;
    friend class runner;
    explicit event_loop(detail::loop_core& core) noexcept : core_(core) {}
    ~event_loop() = default;

    template <class F>
    struct handler_of final : handler {
        template <class G>
        explicit handler_of(G&& g) : function(std::forward<G>(g)) {}
        void call(const exception_report& report) override { function(report); }
        F function;
    };

    callback_handle call_soon_body(detail::callback_body* body);
    callback_handle call_later_body(delay d, detail::callback_body* body);
    callback_handle call_at_body(deadline when, detail::callback_body* body);
    void add_reader_body(int fd, detail::callback_body* body);
    void add_writer_body(int fd, detail::callback_body* body);
    void add_signal_handler_body(int signal, detail::callback_body* body);
    void run_until_done(const any_future& f, bool own_task);
    void set_handler_body(handler* h);
    void require_open(const char* call);
    void require_able_to_run(const char* call);

    detail::loop_core& core_;
};

/// The loop that runs on this thread. usage_error when none does.
[[nodiscard]] event_loop& get_running_loop();
/// Likewise; null when none does.
[[nodiscard]] event_loop* running_loop_or_null() noexcept;

/// What other threads keep: copyable, atomic, outlives the loop. Any thread may copy, use and drop it.
class loop_handle {
public:
    loop_handle(event_loop& loop) noexcept;
    loop_handle(const loop_handle& other) noexcept;
    loop_handle& operator=(const loop_handle& other) noexcept;
    ~loop_handle();
    /// As event_loop::call_soon, from any thread; wakes the loop. On the loop's own thread f takes
    /// its place in the queue at once; from others, at the loop's next turn. usage_error when it is
    /// closed: then f has not been called and is destroyed here. A callback that the loop accepts
    /// and does not reach before it closes is destroyed without having run.
    template <std::invocable F>
    void call_soon_threadsafe(F&& f) const {
        post(detail::make_body(std::forward<F>(f)), "call_soon_threadsafe");
    }
    template <class... X>
    void call_soon_threadsafe(X&&...) const = delete;  // call_soon_threadsafe([=] { f(x); })
    [[nodiscard]] bool is_closed() const noexcept;

private:
    friend class detail::remote_core;
    void post(detail::callback_body* body, const char* call) const;
    void* mailbox_;
};

template <std::invocable F>
void event_loop::call_soon_threadsafe(F&& f) {
    loop_handle(*this).call_soon_threadsafe(std::forward<F>(f));
}

}  // namespace brio::inline v0
