#pragma once
// Futures: results that come later, and handles to them.
//
// Calling a function is what `await coroutine()` is in asyncio; `f.await()` is `await f` of a future
// or task. Handles are shared_ptr-like: copies share one core, const is shallow. Everything here is
// for the loop's own thread; another thread gets usage_error that names the task.

#include <brio/context.hpp>
#include <brio/detail/future_core.hpp>
#include <brio/error.hpp>
#include <brio/fwd.hpp>

#include <compare>
#include <concepts>
#include <cstdint>
#include <functional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace brio::inline v0 {

namespace detail {
template <class T>
struct shared_result {
    using type = const T&;
};
template <class T>
struct shared_result<T&> {
    using type = T&;
};
template <>
struct shared_result<void> {
    using type = void;
};
struct adopt_t {};
[[noreturn]] void throw_empty_handle();
struct done_callback;
[[nodiscard]] loop_core& loop_for_new_future();
}  // namespace detail

/// What an lvalue handle's await() and result() give: a view of the one shared result.
template <class T>
using shared_result_t = typename detail::shared_result<T>::type;

/// Names a done-callback, to remove it. Never used twice.
enum class callback_id : std::uint64_t {};

/// Handle to a future or task of any result type. A default-constructed or moved-from handle is
/// empty: valid() is false, and all else throws usage_error. Handles compare by identity, order by
/// address, and hash.
class any_future {
public:
    /// As an argument of gather, as_completed, wait_for or shield its result is dropped.
    using value_type = void;
    any_future() noexcept = default;
    any_future(const any_future& other) noexcept : core_(other.core_) {
        if (core_ != nullptr) core_->retain();
    }
    any_future(any_future&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    any_future& operator=(any_future other) noexcept {
        std::swap(core_, other.core_);
        return *this;
    }
    ~any_future() {
        if (core_ != nullptr) core_->release();
    }

    [[nodiscard]] bool valid() const noexcept { return core_ != nullptr; }
    /// Has a result, an exception, or was cancelled. Never suspends.
    [[nodiscard]] bool done() const { return core().done(); }
    [[nodiscard]] bool cancelled() const { return core().cancelled(); }
    /// Null when there is a value. Never suspends. Throws cancelled_error when cancelled,
    /// invalid_state_error when not done. Counts as having looked: it will not be reported.
    [[nodiscard]] std::exception_ptr exception() const { return core().exception(); }
    /// Asks to stop; false when done already. A future becomes cancelled at once; a task gets
    /// cancelled_error at what it waits for, and may refuse by catching it. `message` reaches that
    /// error; a view with a null data() is none. Never suspends. Throws usage_error when a task that
    /// it reaches waits for itself, as by a gather of itself: all others have been asked then.
    bool cancel(std::string_view message = {}) const { return core().cancel(message); }
    /// Suspends until done (not at all when it is), then throws what came instead of a value; a
    /// value is left in place. Cancelling the waiting task cancels what it awaits, as in asyncio:
    /// see shield(). Throws usage_error off a task, on another loop, or on itself.
    void await() const { core().await(); }
    /// Calls f(any_future) in the turn after this is done (in the next turn when it is done
    /// already), on the loop's stack: f must not suspend. What f throws goes to the loop's
    /// exception handler. It runs in a copy of the context in which it was added.
    template <std::invocable<any_future> F>
    callback_id add_done_callback(F&& f) const;
    template <class F>
    void add_done_callback(F&&) const = delete;  // it gets the future: [](brio::any_future f) {...}
    /// False when it is not waiting to be called any more.
    bool remove_done_callback(callback_id id) const;
    [[nodiscard]] event_loop& get_loop() const;

    friend bool operator==(const any_future& a, const any_future& b) noexcept {
        return a.core_ == b.core_;
    }
    friend std::strong_ordering operator<=>(const any_future& a, const any_future& b) noexcept {
        return std::compare_three_way{}(a.core_, b.core_);
    }

    /// For brio itself: makes a handle of a reference that the caller owns.
    any_future(detail::future_core* core, detail::adopt_t) noexcept : core_(core) {}
    /// For brio itself. usage_error when empty.
    [[nodiscard]] detail::future_core& core() const {
        if (core_ == nullptr) detail::throw_empty_handle();
        return *core_;
    }

protected:
    detail::future_core* core_ = nullptr;
};

namespace detail {
template <class T, class Core>
shared_result_t<T> view_value(Core& core) {
    if constexpr (std::is_void_v<T>)
        return;
    else if constexpr (std::is_reference_v<T>)
        return *core.template value<stored_value<T>>();
    else
        return core.template value<T>();
}
/// Whether a T can be copied. A container of move-only elements says of itself that it can be
/// (std::is_copy_constructible does not look at the elements), and fails where it is tried.
template <class T>
inline constexpr bool is_copyable = std::is_copy_constructible_v<T>;
template <class T>
requires requires {
    typename T::value_type;
    typename T::iterator;
}
inline constexpr bool is_copyable<T> =
    std::is_copy_constructible_v<T> &&
    (std::is_same_v<T, typename T::value_type> || is_copyable<typename T::value_type>);
/// The result for an rvalue handle: moved out when nobody else holds the core, else copied; what
/// cannot be copied is taken.
template <class T, class Core>
T take_value(Core& core) {
    if constexpr (!std::is_object_v<T>) {
        return view_value<T>(core);
    } else {
        T& value = core.template value<T>();
        if constexpr (is_copyable<T>) {
            if (core.shared()) return value;
        }
        core.mark_taken();
        return std::move(value);
    }
}
template <class T>
shared_result_t<T> await_view(future_core& core) {
    core.await();
    return view_value<T>(core);
}
template <class T>
shared_result_t<T> result_view(future_core& core) {
    core.require_value();
    return view_value<T>(core);
}
template <class T>
T await_value(any_future&& handle) {
    const any_future kept = std::move(handle);
    kept.core().await();
    return take_value<T>(kept.core());
}
template <class T>
T result_value(any_future&& handle) {
    const any_future kept = std::move(handle);
    kept.core().require_value();
    return take_value<T>(kept.core());
}
}  // namespace detail

/// A result that someone sets; also what gather and shield return.
template <class T>
class future : public any_future {
public:
    using value_type = T;
    future() noexcept = default;
    future(detail::future_core* core, detail::adopt_t a) noexcept : any_future(core, a) {}

    /// Suspends until done (not at all when it is). On an lvalue: a view of the shared result, valid
    /// while a handle lives, and at least until this task awaits again; may be called again. On an
    /// rvalue: the value, moved when this is the last handle, else copied; a move-only value is
    /// taken, and a later read throws invalid_state_error. Throws what was set instead, or
    /// cancelled_error.
    shared_result_t<T> await() const& { return detail::await_view<T>(core()); }
    T await() && { return detail::await_value<T>(std::move(*this)); }
    /// As await(), but never suspends: invalid_state_error when not done.
    shared_result_t<T> result() const& { return detail::result_view<T>(core()); }
    T result() && { return detail::result_value<T>(std::move(*this)); }
    template <std::same_as<std::remove_cvref_t<T>> U>
    operator U() const = delete;  // a future is not its result yet: .await() it
    template <std::size_t I>
    void get() const = delete;  // of gather's results: .await() it first

    /// Wakes the waiters, in the order in which they came, in the next turn. Throws
    /// invalid_state_error when done; usage_error when this is a task.
    template <class U = T>
    requires(!std::is_void_v<T>) && std::convertible_to<U, T> void set_result(U&& value) const {
        auto& c = core();
        c.require_settable("set_result");
        if constexpr (std::is_reference_v<T>)
            c.template store<detail::stored_value<T>>(std::addressof(static_cast<T>(value)));
        else
            c.template store<T>(std::forward<U>(value));
        c.finish();
    }
    void set_result() const requires std::is_void_v<T> {
        core().require_settable("set_result");
        core().finish();
    }
    template <class... U>
    void set_result(U&&...) const = delete;  // one value that converts to T; none for future<void>
    /// Likewise. std::invalid_argument when `e` is null. An exception that nobody retrieves is
    /// reported when the last handle goes.
    void set_exception(std::exception_ptr e) const {
        core().require_settable("set_exception");
        core().set_exception(std::move(e));
    }
    template <class E>
    requires(!std::convertible_to<E, std::exception_ptr>) void set_exception(E&& e) const {
        set_exception(std::make_exception_ptr(std::forward<E>(e)));
    }
};

/// loop.create_future(): a pending future of the running loop. usage_error without one.
template <class T>
[[nodiscard("create_future does not wait: keep it, .await() it")]] future<T> create_future() {
    return {new detail::with_value<T>(detail::loop_for_new_future()), detail::adopt_t{}};
}
void create_future() = delete;  // of what? create_future<int>()

namespace detail {
/// Every entry of kind `callback` on a future's list is one of these. A user's is owned by the list,
/// then by the ready queue, until it has run. In the ready queue it holds a reference to the future:
/// by the time it runs the last handle may have gone.
struct done_callback : ready_node {
    explicit done_callback(runner r) noexcept : ready_node(kind::callback, r) {}
    /// The reference; empty when the entry is on the future's list. For whoever runs or drops it.
    [[nodiscard]] any_future leave_queue() noexcept {
        return std::exchange(queued, false) ? any_future(future, adopt_t{}) : any_future();
    }
    future_core* future = nullptr;
    std::uint64_t id = 0;  // 0: not a user's
    bool queued = false;
};
template <class F>
struct done_callback_of final : done_callback {
    template <class G>
    explicit done_callback_of(G&& g) : done_callback(&call), function(std::forward<G>(g)) {}
    static void call(ready_node& node, fate what);
    F function;
    brio::context context = copy_context();
};
/// Gives `callback` an id and puts it on the list, or into the ready queue when the future is done.
std::uint64_t add_callback(future_core& core, done_callback& callback);
bool remove_callback(future_core& core, std::uint64_t id);
void report_callback_failure(future_core& core) noexcept;  // inside the catch

template <class F>
void done_callback_of<F>::call(ready_node& node, fate what) {
    auto* const self = static_cast<done_callback_of*>(&node);
    const any_future future = self->leave_queue();
    if (what == fate::run) {
        try {
            self->context.run([&] { self->function(future); });
        } catch (...) {
            report_callback_failure(future.core());
        }
    }
    delete self;
}
}  // namespace detail

template <std::invocable<any_future> F>
callback_id any_future::add_done_callback(F&& f) const {
    auto& c = core();
    c.require_own_thread("add_done_callback");
    auto* const node = new detail::done_callback_of<std::decay_t<F>>(std::forward<F>(f));
    return callback_id{detail::add_callback(c, *node)};
}
inline bool any_future::remove_done_callback(callback_id id) const {
    return detail::remove_callback(core(), static_cast<std::uint64_t>(id));
}

}  // namespace brio::inline v0

template <>
struct std::hash<brio::any_future> {
    std::size_t operator()(const brio::any_future& f) const noexcept {
        return f.valid() ? std::hash<const void*>{}(&f.core()) : 0;
    }
};
template <class T>
struct std::hash<brio::future<T>> : std::hash<brio::any_future> {};
