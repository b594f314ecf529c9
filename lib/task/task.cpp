// Tasks, as asyncio/tasks.py has them: the first step, the end, cancel and uncancel; sleep and yield.

#include "base/invariant.hpp"
#include "scheduler/park.hpp"
#include "task/cancel.hpp"
#include "task/context_map.hpp"
#include "task/loop_core.hpp"

#include <brio/error.hpp>
#include <brio/event_loop.hpp>
#include <brio/task.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace brio::inline v0 {
namespace detail {

const task_options default_task_options;

loop_core& loop_for_new_task() {
    return require_loop("create_task");
}

task_core::task_core(loop_core& loop) noexcept
    : future_core(loop), number_(loop.next_task_number()) {
    what_ = kind::task;
}

task_core::~task_core() {
    loop_->forget_origin(*this);
    delete name_;
    if (context_ != nullptr) context_->release();
}

std::string task_core::name() const {
    std::array<char, longest_number> room;
    return std::string(name_in(room));
}

std::string_view task_core::name_in(std::span<char, longest_number> room) const noexcept {
    if (name_ != nullptr) return *name_;
    constexpr std::string_view prefix = "Task-";
    char* const digits = std::copy(prefix.begin(), prefix.end(), room.data());
    const char* const end = std::to_chars(digits, room.data() + room.size(), number_).ptr;
    return {room.data(), end};
}

void task_core::set_name(std::string_view name) {
    require_own_thread("set_name");
    delete std::exchange(name_, new std::string(name));
}

std::string task_core::describe() const {
    return "task '" + name() + "'";
}

/// Nearly always the creator is a task of this loop, and nothing is set.
inline void task_core::begin_context(const task_options& options) {
    const fiber* const creator = loop_->current();
    if (options.context) [[unlikely]]
        context_ = context_map::inherited(options.context->map());
    else if (creator == nullptr || creator->task->context_ != nullptr) [[unlikely]]
        context_ = inherited_context();
}

/// What is fiber-local ends with the task, and still in it.
inline void task_core::end_context() noexcept {
    if (context_ == nullptr || !context_->has_locals()) [[likely]]
        return;
    context_map* const whole = std::exchange(context_, context_map::inherited(context_));
    whole->release();
}

void task_core::start(const task_options& options, const char* file, int line) {
    if (!options.name.empty()) name_ = new std::string(options.name);
    begin_context(options);
    fiber_ = &loop_->create_fiber(*this, &task_core::main, options.stack_size);
    retain();
    if (loop_->debug() && *file != '\0') loop_->remember_origin(*this, file, line);
    loop_->add(*this);
    if (!options.eager_start.value_or(loop_->eager_tasks()) || !loop_->running())
        return loop_->start(*fiber_);
    loop_->start_eagerly(*fiber_);
    if (done()) return;
    // asyncio lists an eager task when its first step has suspended.
    loop_->remove(*this);
    loop_->add(*this);
}

void task_core::main(task_core& self) noexcept {
    std::exception_ptr error;
    bool cancelled = false;
    try {
        if (self.fiber_->cancel_pending) throw take_cancel(*self.fiber_);
        self.call();
    } catch (const cancelled_error&) {
        error = std::current_exception();
        cancelled = true;
    } catch (...) {
        error = std::current_exception();
    }
    self.destroy_callable();
    self.end_context();
    self.finish_with(std::move(error), cancelled);
    self.leave_loop();
}

void task_core::begin_on(fiber& f) {
    begin_context({});
    fiber_ = &f;
}

void task_core::end() noexcept {
    end_context();
    finish_with(nullptr, false);
    leave_fiber();
}

void task_core::finish_with(std::exception_ptr error, bool cancelled) noexcept {
    if (fiber_->cancel_message) set_message(*fiber_->cancel_message);
    if (cancelled) {
        exception_ = std::move(error);
        set_message({});
        become(status::cancelled);
    } else if (error == nullptr && fiber_->cancel_pending) {
        discard_result();  // it cancelled itself after its last suspension
        become(status::cancelled);
    } else if (error != nullptr) {
        set_exception(std::move(error));
    } else {
        finish();
    }
}

void task_core::take_awaited(future_core& f) noexcept {
    if (f.shared()) return f.release();
    if (future_core* const before = std::exchange(awaited_, &f)) before->release();
}

/// The loop lets go of the task: it is done, or the loop closes. May destroy it.
void task_core::leave_loop() noexcept {
    loop_->remove(*this);
    leave_fiber();
}

void task_core::leave_fiber() noexcept {
    fiber_ = nullptr;
    if (future_core* const f = std::exchange(awaited_, nullptr)) f->release();
    release();
}

bool task_core::cancel(std::string_view message) {
    require_own_thread("cancel");
    return cancel_or_throw(*this, message);
}

int task_core::uncancel() {
    require_own_thread("uncancel");
    if (cancels_requested_ > 0 && --cancels_requested_ == 0 && fiber_ != nullptr)
        loop_->set_cancel_pending(*fiber_, false);
    return cancels_requested_;
}

}  // namespace detail

context any_task::get_context() const {
    task().require_own_thread("get_context");
    return context(detail::context_map::inherited(task().context_slot()));
}

any_task current_task() {
    detail::require_loop("current_task");
    const detail::fiber* const self = detail::this_fiber();
    // A task that is done may be just being destroyed, with its result, on its fiber.
    if (self == nullptr || self->task->done()) return {};
    self->task->retain();
    return {self->task, detail::adopt_t{}};
}

std::vector<any_task> all_tasks() {
    return detail::require_loop("all_tasks").tasks();
}
std::vector<any_task> all_tasks(event_loop& loop) {
    return loop.core().tasks();
}

void yield() {
    (void)detail::require_fiber("yield");
    detail::this_scheduler()->yield();
    // Not the record of each fiber that yields: it is a cache line far away.
    if (detail::this_scheduler()->any_cancel_pending()) [[unlikely]]
        detail::deliver_cancel(*detail::this_fiber());
}

namespace detail {
namespace {
/// A sleep: its timer is asyncio's call_later(set_result), which takes a turn of its own.
class sleeping final : public private_wait {
public:
    explicit sleeping(fiber& self) noexcept : private_wait(self), timer_(*this) {}
    void until(time_point when) {
        waiter().owner.arm(timer_, when);
        wait();
    }
    void for_ever() { wait(); }
    [[nodiscard]] std::string describe() const override { return "sleep"; }

private:
    struct alarm final : timer {
        explicit alarm(sleeping& s) noexcept : timer(kind::bookkeeping, &ring), sleeper(s) {}
        static void ring(ready_node& node, fate what) {
            if (what == fate::run) static_cast<alarm&>(node).sleeper.finish();
        }
        sleeping& sleeper;
    };
    void withdraw() noexcept override { waiter().owner.disarm(timer_); }
    alarm timer_;
};
}  // namespace
}  // namespace detail

void sleep(delay d) {
    const std::optional<duration> length = d.get();
    if (length && *length <= duration::zero()) return yield();
    detail::fiber& self = detail::require_fiber("sleep");
    detail::sleeping s(self);
    if (!length) return s.for_ever();
    s.until(detail::after(self.owner.now(), *length));
}

}  // namespace brio::inline v0
