#pragma once
// The untyped half of tasks: a future_core with a fiber, a name and asyncio's cancel count.
//
// The loop holds one reference from creation until the task is done; `fiber_` is set just as long.

#include <brio/detail/future_core.hpp>

#include <span>

namespace brio::inline v0 {
namespace detail {

class task_core : public future_core {
public:
    explicit task_core(loop_core& loop) noexcept;

    bool cancel(std::string_view message) override;
    [[nodiscard]] int cancelling() const noexcept { return cancels_requested_; }
    int uncancel();
    [[nodiscard]] std::string name() const;
    /// The same without a copy, for those who must not allocate; in `room` where it is a number.
    static constexpr std::size_t longest_number = 32;
    [[nodiscard]] std::string_view name_in(std::span<char, longest_number> room) const noexcept;
    void set_name(std::string_view name);
    [[nodiscard]] std::string describe() const override;
    [[nodiscard]] fiber* running_on() const noexcept { return fiber_; }
    /// The task's context, as it is now.
    [[nodiscard]] context_map*& context_slot() noexcept { return context_; }
    /// The order of creation.
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

    /// Gives the task its fiber and its first step: in the next turn, or now with eager_start. Throws
    /// std::system_error when no stack can be had; the task is then as if never made.
    void start(const task_options& options, const char* file, int line);
    /// Takes over a reference to what this task has awaited. Where it is the last one, as after
    /// `pending[id].await()` when whoever set the result has erased the entry, it is kept until the
    /// next such await: what await() returned a view of lives on.
    void take_awaited(future_core& f) noexcept;
    /// The fiber's body.
    static void main(task_core& self) noexcept;

protected:
    ~task_core() override;
    /// Calls the user's callable and stores what it returns.
    virtual void call() = 0;
    virtual void destroy_callable() noexcept = 0;
    /// The result of a task that cancelled itself at the very end.
    virtual void discard_result() noexcept = 0;

    /// In place of start() and main(), for a fiber that another library runs: lib/bridge. The loop
    /// does not list such a task. end() gives up a reference, and may destroy it.
    void begin_on(fiber& f);
    void end() noexcept;

private:
    friend class loop_core;
    friend class cancel_walk;
    void finish_with(std::exception_ptr error, bool cancelled) noexcept;
    void leave_loop() noexcept;
    void begin_context(const task_options& options);
    void end_context() noexcept;
    void leave_fiber() noexcept;

    fiber* fiber_ = nullptr;
    future_core* awaited_ = nullptr;  // see take_awaited
    task_core* next_ = nullptr;       // in loop_core's list of tasks
    task_core* previous_ = nullptr;
    context_map* context_ = nullptr;  // null: nothing is set
    std::string* name_ = nullptr;     // null: "Task-N"
    std::uint64_t number_ = 0;
    int cancels_requested_ = 0;
    bool background_ = false;  // see loop_core::make_background
};

/// A task of callable F with result T: one allocation holds the record, the callable and the result.
template <class F, class T>
class task_of final : public with_value<T, task_core> {
public:
    template <class G>
    task_of(loop_core& loop, G&& callable)
        : with_value<T, task_core>(loop), callable_(std::forward<G>(callable)) {}

private:
    ~task_of() override { destroy_callable(); }

    void call() override {
        if constexpr (std::is_void_v<T>) {
            std::move(callable_)();
            this->template store<nothing>();
        } else if constexpr (std::is_reference_v<T>) {
            this->template store<stored_value<T>>(std::addressof(std::move(callable_)()));
        } else {
            this->template store_result_of<T>(std::move(callable_));
        }
    }
    void destroy_callable() noexcept override {
        if (has_callable_) callable_.~F();
        has_callable_ = false;
    }
    void discard_result() noexcept override { this->discard_value(); }

    union {
        F callable_;
    };
    bool has_callable_ = true;
};

}  // namespace detail
}  // namespace brio::inline v0
