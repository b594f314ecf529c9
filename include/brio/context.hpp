#pragma once
// Context variables, as Python's contextvars, and fiber-local storage on top of them.
//
// Every task, every callback, and every thread outside them has a context: what its context
// variables are set to. A task or callback begins with a copy of the context in which it was made
// (create_task, call_soon, call_later, call_at, call_soon_threadsafe, run_threadsafe,
// add_done_callback, add_reader, add_writer, signal handlers, to_thread); from then on the two are
// independent. A callback that is called again, as add_reader's, finds what it set before. A copy
// costs one count, also of many variables; setting a variable costs a copy of the list of those set.
//
// Nothing here suspends. Values are shared between copies and never change. The last copy destroys a
// value, on whatever thread it is.

#include <brio/error.hpp>

#include <atomic>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace brio::inline v0 {

namespace detail {
class context_map;

/// A value of a context variable. Counted; copies of a context share it, on any thread.
class context_value {
public:
    context_value() = default;
    context_value(const context_value&) = delete;
    context_value& operator=(const context_value&) = delete;
    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

protected:
    virtual ~context_value() = default;

private:
    std::atomic<std::uint32_t> references_{1};
};
template <class T>
class context_value_of final : public context_value {
public:
    template <class... A>
    explicit context_value_of(A&&... a) : value(std::forward<A>(a)...) {}
    T value;
};

/// What names a variable in a context. Never used twice.
using context_key = std::uint64_t;
[[nodiscard]] context_key new_context_key() noexcept;
/// Likewise, of a variable whose values nobody inherits.
[[nodiscard]] context_key new_local_key() noexcept;

/// In the current context: null when it is not set. The context keeps it.
[[nodiscard]] context_value* find_value(context_key key) noexcept;
/// Takes over a reference to `value`; null takes the variable out. Returns what was there before,
/// which is the caller's, or null.
context_value* exchange_value(context_key key, context_value* value);
/// Which context is the current one: for comparison only.
[[nodiscard]] const void* current_context() noexcept;
[[noreturn]] void throw_not_set(const std::string& name);
}  // namespace detail

/// A snapshot of what all context variables are set to. Any thread may copy, keep and drop it.
/// Unlike Python's Context it is a value: copies are independent, and a task that is given one
/// starts with a copy of it.
class context {
public:
    /// Nothing is set.
    context() noexcept = default;
    context(const context& other) noexcept;
    context(context&& other) noexcept : map_(std::exchange(other.map_, nullptr)) {}
    context& operator=(context other) noexcept {
        std::swap(map_, other.map_);
        return *this;
    }
    ~context();

    /// Calls f() in this context and returns its result. What f sets stays in this object, and the
    /// caller's own context is as before. f may suspend. Not twice at once: a second run() meanwhile
    /// finds nothing set.
    template <std::invocable F>
    std::invoke_result_t<F> run(F&& f);

    /// For brio itself: takes over a reference.
    explicit context(detail::context_map* map) noexcept : map_(map) {}
    /// For brio itself.
    [[nodiscard]] detail::context_map* map() const noexcept { return map_; }

private:
    detail::context_map* map_ = nullptr;  // null: nothing is set
};

/// The current context, as it is now: asyncio's contextvars.copy_context(). Any thread.
[[nodiscard]] context copy_context();

namespace detail {
/// While one lives the current context is `map`, and what is current outside is kept in `map`.
class entered_context {
public:
    explicit entered_context(context_map*& map) noexcept;
    entered_context(const entered_context&) = delete;
    entered_context& operator=(const entered_context&) = delete;
    ~entered_context();

private:
    context_map*& map_;
};
}  // namespace detail

template <std::invocable F>
std::invoke_result_t<F> context::run(F&& f) {
    const detail::entered_context entered(map_);
    return std::forward<F>(f)();
}

/// A variable that has a value of its own in each context: contextvars.ContextVar. Usually a global;
/// a context keeps the values of a variable that is gone. Any thread may use it, each in its own
/// context.
template <class T>
class context_var {
public:
    class token;
    class scope;

    explicit context_var(std::string_view name) : name_(name) {}
    context_var(std::string_view name, T default_value)
        : name_(name), default_(std::move(default_value)) {}
    context_var(const context_var&) = delete;
    context_var& operator=(const context_var&) = delete;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    /// The value in the current context, else the default. A view, until the variable is set again in
    /// this context. Throws lookup_error when there is neither.
    [[nodiscard]] const T& get() const {
        if (const T* const set_here = find()) return *set_here;
        if (!default_) detail::throw_not_set(name_);
        return *default_;
    }
    /// Likewise, but `otherwise` where it is not set in the current context.
    [[nodiscard]] T get(T otherwise) const {
        const T* const set_here = find();
        return set_here != nullptr ? *set_here : std::move(otherwise);
    }
    /// Sets it in the current context; the token takes that back.
    token set(T value) {
        auto* const made = new detail::context_value_of<T>(std::move(value));
        return token(key_, detail::exchange_value(key_, made));
    }
    /// As it was before the call of set() that returned `t`. std::invalid_argument when that was in
    /// another context, or of another variable; usage_error the second time.
    void reset(const token& t) { t.undo(key_); }
    /// set() until the scope dies: Python's `with var.set(value):`.
    [[nodiscard("the variable is reset when the scope dies")]] scope scoped(T value) {
        return scope(*this, std::move(value));
    }

private:
    [[nodiscard]] const T* find() const noexcept {
        auto* const value = detail::find_value(key_);
        return value != nullptr ? &static_cast<detail::context_value_of<T>*>(value)->value
                                : nullptr;
    }

    const detail::context_key key_ = detail::new_context_key();
    std::string name_;
    std::optional<T> default_;
};

namespace detail {
/// What set() replaced.
class context_token {
public:
    context_token(context_key key, context_value* before) noexcept
        : key_(key), before_(before), made_in_(current_context()) {}
    context_token(context_token&& other) noexcept
        : key_(std::exchange(other.key_, 0)),
          before_(std::exchange(other.before_, nullptr)),
          made_in_(other.made_in_) {}
    context_token& operator=(context_token&&) = delete;
    ~context_token() {
        if (before_ != nullptr) before_->release();
    }
    /// See context_var::reset.
    void undo(context_key variable) const;
    /// Where a scope ends: there it cannot fail.
    void undo_at_end() const noexcept;

private:
    mutable context_key key_;  // 0: used
    mutable context_value* before_;
    const void* made_in_;
};
}  // namespace detail

template <class T>
class context_var<T>::token : public detail::context_token {
    using detail::context_token::context_token;
};

/// Lives in one context: the one in which it was made.
template <class T>
class context_var<T>::scope {
public:
    scope(context_var& variable, T value) : token_(variable.set(std::move(value))) {}
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope() { token_.undo_at_end(); }

private:
    token token_;
};

/// A T of each task, made when the task first asks for it, with T(). Nobody inherits it. It is
/// destroyed when its task is done, on the task's fiber, in the order in which the variables were
/// made; that of a callback with the callback, that of a thread at the thread's end. Not in asyncio,
/// where threading.local is shared by all tasks of a thread.
template <std::default_initializable T>
class fiber_local {
public:
    fiber_local() = default;
    fiber_local(const fiber_local&) = delete;
    fiber_local& operator=(const fiber_local&) = delete;

    [[nodiscard]] T& get() {
        detail::context_value* value = detail::find_value(key_);
        if (value == nullptr) {
            value = new detail::context_value_of<T>();
            detail::exchange_value(key_, value);
        }
        return static_cast<detail::context_value_of<T>*>(value)->value;
    }
    [[nodiscard]] T& operator*() { return get(); }
    [[nodiscard]] T* operator->() { return &get(); }

private:
    const detail::context_key key_ = detail::new_local_key();
};

}  // namespace brio::inline v0
