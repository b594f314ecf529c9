#pragma once
// The untyped half of futures and tasks: state, waiters, error, reference count. The logic is in
// lib/task/future.cpp and task.cpp; the typed half only stores a value.
//
//   pending -> finished    a value was stored (store_*), or set_exception
//   pending -> cancelled   cancel()
//
// 1. Leaving `pending` appends everybody in `waiting_` to the ready queue, in order. A callback in
//    the ready queue holds a reference to the core that it reports; one on the list does not.
// 2. A finished core has a value or `exception_`. In a cancelled one `exception_` is the
//    cancelled_error that ended the task; the first who asks takes it, as in asyncio, and later
//    ones get a new one with `message_`.
// 3. Every core keeps its loop_core alive, so loop_ never dangles; a closed loop says so.
// 4. Loop thread only; the reference count is not atomic.

#include <brio/detail/ready_node.hpp>
#include <brio/fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace brio::inline v0 {
namespace detail {

struct done_callback;

class future_core {
public:
    enum class status : unsigned char { pending, finished, cancelled };
    enum class kind : unsigned char { future, task, gather };

    /// One reference, the caller's.
    explicit future_core(loop_core& loop) noexcept;
    future_core(const future_core&) = delete;
    future_core& operator=(const future_core&) = delete;

    // Small blocks are kept for the thread's next futures: lib/task/core_memory.cpp.
    static void* operator new(std::size_t size);
    static void operator delete(void* memory, std::size_t size) noexcept;
    static void* operator new(std::size_t size, std::align_val_t alignment);
    static void operator delete(void* memory, std::size_t size,
                                std::align_val_t alignment) noexcept;

    void retain() noexcept { ++references_; }
    void release() noexcept {
        if (--references_ == 0) drop();
    }
    [[nodiscard]] bool shared() const noexcept { return references_ > 1; }

    [[nodiscard]] bool done() const noexcept { return status_ != status::pending; }
    [[nodiscard]] bool cancelled() const noexcept { return status_ == status::cancelled; }
    [[nodiscard]] bool is_task() const noexcept { return what_ == kind::task; }
    [[nodiscard]] bool is_gather() const noexcept { return what_ == kind::gather; }
    [[nodiscard]] loop_core& loop() const noexcept { return *loop_; }

    /// asyncio's cancel: false when done. A null data() is no message. Only of tasks and gathers:
    /// usage_error when one of those it reaches waits for itself.
    virtual bool cancel(std::string_view message);
    /// Suspends until done; then throws what result() would.
    void await();
    /// asyncio's result() without the value: throws unless there is one.
    void require_value();
    /// asyncio's exception().
    [[nodiscard]] std::exception_ptr exception();
    void set_exception(std::exception_ptr error);
    /// Before a value is stored from outside; throws when done or when it is a task's.
    void require_settable(const char* call) const;
    /// A value has been stored: the waiters are made ready.
    void finish() noexcept;

    void add_callback(done_callback& node) noexcept;
    /// False when it is not waiting (any more).
    bool remove_callback(done_callback& node) noexcept;
    [[nodiscard]] callback_list& waiters() noexcept { return waiting_; }
    /// It will never be done: whoever waits is forgotten.
    void drop_waiters() noexcept;

    /// The error of a cancelled core (invariant 2); of another, a new one.
    [[nodiscard]] std::exception_ptr take_cancelled_error();
    /// The error of a finished core; null when it has a value. Does not count as retrieving it.
    [[nodiscard]] const std::exception_ptr& stored_exception() const noexcept { return exception_; }
    [[nodiscard]] const std::string* message() const noexcept { return message_; }
    void mark_retrieved() noexcept { unretrieved_ = false; }
    /// usage_error, naming `call` and the task, on any other thread than the loop's.
    void require_own_thread(const char* call) const;
    /// Likewise, and when it belongs to another loop than this one.
    void require_on(const loop_core& loop, const char* call) const;
    /// For reports: "future", or "task 'name'".
    [[nodiscard]] virtual std::string describe() const;

    /// The task that waits for this without being on its list: that of a task group, or of the next of
    /// as_completed. Mostly null.
    [[nodiscard]] virtual task_core* owner() const noexcept { return nullptr; }

    /// The value's place; T is the stored type of the handle's type.
    template <class Stored>
    [[nodiscard]] Stored& value() {
        if (lazy_) {
            materialize();
            lazy_ = false;
        }
        return *std::launder(static_cast<Stored*>(value_place()));
    }
    /// Constructs the value in place; finish() makes it seen.
    template <class Stored, class... A>
    void store(A&&... a) {
        ::new (value_place()) Stored(std::forward<A>(a)...);
        has_value_ = true;
    }
    /// Constructs what f() returns, in place: the type need not be movable.
    template <class Stored, class F>
    void store_result_of(F&& f) {
        ::new (value_place()) Stored(std::forward<F>(f)());
        has_value_ = true;
    }
    /// For one pass over many handles: false when it was marked before. Unmark afterwards.
    [[nodiscard]] bool mark() noexcept { return !std::exchange(marked_, true); }
    void unmark() noexcept { marked_ = false; }
    [[nodiscard]] bool marked() const noexcept { return marked_; }
    /// For cancelled shields: true for the first, which reports a later failure of this core.
    [[nodiscard]] bool take_shield_report() noexcept { return !std::exchange(shielded_, true); }
    /// The value has been moved out: later reads throw.
    void mark_taken() noexcept { taken_ = true; }

protected:
    virtual ~future_core();
    /// gather's outer future builds its value when it is first read.
    virtual void materialize() {}

    void set_message(std::string_view message);
    void become(status s) noexcept;

    loop_core* loop_;
    callback_list waiting_;
    std::exception_ptr exception_;
    std::string* message_ = nullptr;  // null is None
    std::uint32_t references_ = 1;
    std::uint16_t value_offset_ = 0;
    status status_ = status::pending;
    bool unretrieved_ = false;  // an exception nobody has seen: reported when the last handle goes
    kind what_ = kind::future;
    bool has_value_ = false;
    bool lazy_ = false;   // the value is built by materialize() when first read
    bool taken_ = false;  // the value has been moved out
    bool marked_ = false;
    bool has_callbacks_ = false;  // in waiting_, among the fibers
    bool shielded_ = false;       // a cancelled shield will report its failure

private:
    [[nodiscard]] void* value_place() noexcept {
        return reinterpret_cast<std::byte*>(this) + value_offset_;
    }
    void cancelled_while_waking(fiber& self);
    [[noreturn]] void refuse_to_await_itself(fiber& self);
    [[noreturn]] void throw_in_place_of_value();
    void retain_for_callbacks() noexcept;
    void drop() noexcept;
};

/// What a core stores for a result of type T: a reference is stored as a pointer, void as nothing.
struct nothing {};
template <class T>
struct stored {
    using type = T;
};
template <class T>
struct stored<T&> {
    using type = T*;
};
template <>
struct stored<void> {
    using type = nothing;
};
template <class T>
using stored_value = typename stored<T>::type;

/// A core with room for a value of T.
template <class T, class Base = future_core>
class with_value : public Base {
public:
    template <class... A>
    explicit with_value(A&&... a) : Base(std::forward<A>(a)...) {
        this->value_offset_ = static_cast<std::uint16_t>(
            reinterpret_cast<std::byte*>(std::addressof(value_)) -
            reinterpret_cast<std::byte*>(static_cast<future_core*>(this)));
    }

protected:
    ~with_value() override { discard_value(); }
    void discard_value() noexcept {
        using value_type = stored_value<T>;
        if (this->has_value_) value_.~value_type();
        this->has_value_ = false;
    }

private:
    union {
        stored_value<T> value_;
    };
};

}  // namespace detail
}  // namespace brio::inline v0
