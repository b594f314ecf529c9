#pragma once
// The untyped half of what travels between threads: a result that one thread brings and others wait
// for, as concurrent.futures.Future has it. The typed half (brio/thread.hpp) stores the value.
//
//   pending -> at_work   start(): it cannot be cancelled any more
//   pending -> stopped   cancel()
//   at_work -> finished  finish() behind a stored value, or set_exception()
//
// 1. Who called start() alone may store and finish. The value is there before `finished` can be seen.
// 2. Leaving for `finished` or `stopped` wakes the threads that block, and then tells each listener
//    once, on the thread that brought the end about.
// 3. Any thread, but for what says otherwise. The last one that lets go destroys the value.

#include <brio/detail/short_lock.hpp>
#include <brio/time.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <utility>

namespace brio::inline v0 {
namespace detail {

class concurrent_core {
public:
    /// Hears of the end, once. Linked by its core until then.
    class listener {
    public:
        listener() = default;
        listener(const listener&) = delete;
        listener& operator=(const listener&) = delete;

    protected:
        ~listener() = default;

    private:
        friend class concurrent_core;
        /// On the thread that brings the end about: short. May destroy the listener.
        virtual void ended() noexcept = 0;
        listener* next_ = nullptr;
        bool listed_ = false;
    };

    /// One reference, the caller's.
    concurrent_core() noexcept = default;
    concurrent_core(const concurrent_core&) = delete;
    concurrent_core& operator=(const concurrent_core&) = delete;

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) drop();
    }
    [[nodiscard]] bool shared() const noexcept {
        return references_.load(std::memory_order_acquire) > 1;
    }

    [[nodiscard]] bool done() const noexcept { return now() >= finished; }
    [[nodiscard]] bool running() const noexcept { return now() == at_work; }
    [[nodiscard]] bool cancelled() const noexcept { return now() == stopped; }
    /// False when it runs or has finished; true when it is cancelled, also if it was before.
    bool cancel() noexcept;

    /// False when it has been cancelled.
    [[nodiscard]] bool start() noexcept;
    template <class Stored, class F>
    void store_result_of(F&& f) {
        ::new (value_place()) Stored(std::forward<F>(f)());
        has_value_ = true;
    }
    void finish() noexcept { become(finished); }
    void set_exception(std::exception_ptr error) noexcept;

    /// Blocks the thread until it is done; false when the time is up first.
    [[nodiscard]] bool block(std::optional<duration> limit) noexcept;
    /// Precondition of these: done. exception() throws cancelled_error when it was cancelled.
    [[nodiscard]] std::exception_ptr exception();
    /// Throws unless there is a value.
    void require_value();
    template <class Stored>
    [[nodiscard]] Stored& value() noexcept {
        return *std::launder(static_cast<Stored*>(value_place()));
    }
    /// The value has been moved out: later reads throw.
    void mark_taken() noexcept { taken_.store(true, std::memory_order_relaxed); }

    /// False when it has ended already: the listener will not be told.
    [[nodiscard]] bool listen(listener& l) noexcept;
    /// True: the listener will not be told. False: it has been, or is being told.
    [[nodiscard]] bool ignore(listener& l) noexcept;

protected:
    virtual ~concurrent_core() = default;
    [[nodiscard]] virtual void* value_place() noexcept = 0;
    /// The last handle has gone, and nobody has asked for the error.
    virtual void report_unretrieved(std::exception_ptr&&) noexcept {}

    bool has_value_ = false;

private:
    enum status : std::uint32_t { pending, at_work, finished, stopped };

    [[nodiscard]] std::uint32_t now() const noexcept {
        return status_.load(std::memory_order_acquire);
    }
    /// The listeners that are to be told.
    listener* enter(status s) noexcept;
    void become(status s) noexcept;
    void tell(listener* first) noexcept;
    void drop() noexcept;

    std::atomic<std::uint32_t> references_{1};
    std::atomic<std::uint32_t> status_{pending};
    short_lock lock_;  // guards the listeners, and every change of status_
    std::atomic<bool> retrieved_{false};
    std::atomic<bool> taken_{false};
    listener* first_ = nullptr;
    std::exception_ptr exception_;
};

}  // namespace detail
}  // namespace brio::inline v0
