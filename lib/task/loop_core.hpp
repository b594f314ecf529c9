#pragma once
// loop_core: a scheduler with everything that asyncio's loop knows beyond turns: the list of its
// tasks, the exception handler, debug mode. Counted: its futures and its runner keep it alive, so
// that a handle never points to a loop that is gone. Closing ends its work, not its life.

#include "scheduler/scheduler.hpp"
#include "task/descriptor_callbacks.hpp"
#include "task/executor.hpp"
#include "task/signal_handlers.hpp"

#include <brio/detail/task_core.hpp>
#include <brio/detail/watcher.hpp>
#include <brio/event_loop.hpp>
#include <brio/run.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace brio::inline v0::detail {

/// Where text goes, piece by piece.
struct text_writer {
    void write(std::string_view text) const { put(to, text); }
    void (*put)(void* to, std::string_view text);
    void* to;
};

/// "parked, stack 2 of 256 KiB, waits for sleep".
void describe_fiber(const text_writer& out, const fiber& f);

class loop_core final : public scheduler {
public:
    /// With `stuck`: on a virtual clock; it throws when nothing can happen any more.
    explicit loop_core(const loop_options& options, void (*stuck)(loop_core& loop) = nullptr);

    void retain() noexcept { ++references_; }
    void release() noexcept {
        if (--references_ == 0) delete this;
    }

    [[nodiscard]] event_loop& facade() noexcept { return facade_; }

    /// As scheduler::close, and reports the tasks that never ended. Their stacks are not unwound:
    /// what their frames own leaks.
    void close() noexcept;

    // ---- tasks, in the order of all_tasks()
    void add(task_core& t) noexcept;
    void remove(task_core& t) noexcept;
    /// The loop's own work, for which asyncio needs no task: accepting, flushing. Not among tasks();
    /// run() cancels it when it has ended those.
    void make_background(task_core& t) noexcept;
    /// Those who wait for what is no task.
    void add(listed_core& w) noexcept;
    void remove(listed_core& w) noexcept;
    [[nodiscard]] std::vector<any_task> tasks() const { return tasks_.handles(); }
    [[nodiscard]] std::vector<any_task> background_tasks() const { return background_.handles(); }
    [[nodiscard]] std::uint64_t next_task_number() noexcept { return ++task_count_; }
    [[nodiscard]] bool eager_tasks() const noexcept { return eager_tasks_; }

    /// A line for each task that is not done.
    void describe_fibers(const text_writer& out) const;

    // ---- reports
    void report(const exception_report& what) noexcept;
    void report_by_default(const exception_report& what) const noexcept;
    void set_handler(event_loop::handler* h) noexcept { handler_.reset(h); }
    [[nodiscard]] bool debug() const noexcept { return debug_; }
    void set_debug(bool on) noexcept;
    /// In debug mode steps that take as long are reported.
    void set_slow_step(duration d) noexcept { slow_step_ = d; }
    [[nodiscard]] duration slow_step() const noexcept { return slow_step_; }
    /// In debug mode: where a task was made.
    void remember_origin(const task_core& t, const char* file, int line);
    [[nodiscard]] std::string origin_of(const future_core& f) const;
    void forget_origin(const task_core& t) noexcept {
        if (!origins_.empty()) origins_.erase(&t);
    }

    // ---- what users hang on the loop
    [[nodiscard]] descriptor_callbacks& descriptors() noexcept { return descriptors_; }
    [[nodiscard]] signal_handlers& signals() noexcept { return signals_; }
    [[nodiscard]] executor& default_executor() noexcept { return executor_; }

    /// scheduler::run and run_once, with asyncio's checks.
    void run_forever();
    void run_once(duration longest);
    /// usage_error when closed or on another thread. What the caller does then, a host hears of.
    void require_open(const char* call);
    /// Likewise, and where a loop runs.
    void require_able_to_run(const char* call);

private:
    struct task_list {
        void push_back(task_core& t) noexcept;
        void remove(task_core& t) noexcept;
        [[nodiscard]] std::vector<any_task> handles() const;
        task_core* first = nullptr;
        task_core* last = nullptr;
    };

    ~loop_core();
    void abandon(task_list& tasks) noexcept;
    template <class F>
    void run_turns_of(F run);
    static void time_step(scheduler& loop, ready_node& node);
    void report_slow(const any_future& task, duration took);

    event_loop facade_;
    std::uint32_t references_ = 1;
    std::uint64_t task_count_ = 0;
    task_list tasks_;
    task_list background_;
    listed_core* first_listed_ = nullptr;
    void (*stuck_)(loop_core&);
    bool eager_tasks_;
    bool debug_ = false;
    duration slow_step_ = std::chrono::milliseconds(100);
    std::shared_ptr<event_loop::handler> handler_;
    std::unordered_map<const future_core*, std::string> origins_;
    descriptor_callbacks descriptors_{*this};
    signal_handlers signals_{descriptors_};
    executor executor_;
};

inline void loop_core::task_list::push_back(task_core& t) noexcept {
    t.previous_ = last;
    t.next_ = nullptr;
    (last != nullptr ? last->next_ : first) = &t;
    last = &t;
}

inline void loop_core::task_list::remove(task_core& t) noexcept {
    (t.previous_ != nullptr ? t.previous_->next_ : first) = t.next_;
    (t.next_ != nullptr ? t.next_->previous_ : last) = t.previous_;
    t.next_ = t.previous_ = nullptr;
}

inline void loop_core::add(task_core& t) noexcept {
    tasks_.push_back(t);
}

inline void loop_core::remove(task_core& t) noexcept {
    (t.background_ ? background_ : tasks_).remove(t);
}

inline void loop_core::add(listed_core& w) noexcept {
    w.listed_ = true;
    w.next_ = first_listed_;
    if (first_listed_ != nullptr) first_listed_->previous_ = &w;
    first_listed_ = &w;
}

inline void loop_core::remove(listed_core& w) noexcept {
    (w.previous_ != nullptr ? w.previous_->next_ : first_listed_) = w.next_;
    if (w.next_ != nullptr) w.next_->previous_ = w.previous_;
    w.next_ = w.previous_ = nullptr;
    w.listed_ = false;
}

/// usage_error, naming `call`, on another thread than the future's. Nearly always its loop is the one
/// that runs here, which is the cheaper question.
inline void require_thread_of(const future_core& f, const char* call) {
    if (&f.loop() != this_scheduler()) [[unlikely]]
        f.require_own_thread(call);
}

/// Calls a user's callback on the loop's stack; what it throws goes to the exception handler.
void call_reporting(loop_core& loop, callback_body& body) noexcept;

/// The loop that runs on this thread; usage_error, naming `call`, when none does.
loop_core& require_loop(const char* call);
/// "std::runtime_error: no such file"; for an exception that is not a std::exception its type.
[[nodiscard]] std::string describe_exception(const std::exception_ptr& error);

}  // namespace brio::inline v0::detail
