#include "task/loop_core.hpp"

#include "base/invariant.hpp"
#include "base/system_calls.hpp"
#include "context/stack_overflow.hpp"
#include "scheduler/park.hpp"

#include <brio/error.hpp>

#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <typeinfo>
#include <unistd.h>
#include <utility>

namespace brio::inline v0::detail {

namespace {
bool debug_from_environment() {
    const char* const value = std::getenv("BRIO_DEBUG");
    return value != nullptr && *value != '\0' && std::string_view(value) != "0";
}
reactor_kind kind_of(reactor_choice choice) {
    switch (choice) {
        case reactor_choice::io_uring:
            return reactor_kind::io_uring;
        case reactor_choice::epoll:
            return reactor_kind::epoll;
        case reactor_choice::automatic:
            return reactor_kind::automatic;
    }
    return reactor_kind::automatic;
}
scheduler_options options_of(const loop_options& o, bool virtual_clock) {
    scheduler_options s;
    s.reactor = kind_of(o.reactor);
    s.stacks.size = o.stacks.size;
    s.stacks.keep = o.stacks.keep;
    s.virtual_clock = virtual_clock;
    s.announce_reactor = o.debug || debug_from_environment();
    return s;
}
/// Not of any other fiber: what lies at the top of a stack that does not run may be gone.
std::string_view name_of_running_fiber(const stack& s,
                                       stack_overflow_reporter::name_room room) noexcept {
    const fiber* const f = this_fiber();
    return f != nullptr && f->memory.limit == s.limit ? f->task->name_in(room) : "";
}
std::string name_of_current_exception_type() {
    const std::type_info* const type = abi::__cxa_current_exception_type();
    if (type == nullptr) return "unknown exception";
    int status = 0;
    char* const readable = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
    std::string name = status == 0 ? readable : type->name();
    std::free(readable);
    if (const auto v0 = name.find("brio::v0::"); v0 != std::string::npos) name.erase(v0 + 6, 4);
    return name;
}

void dump_fibers_of_this_loop() noexcept {
    scheduler* const running = this_scheduler();
    if (running == nullptr) return;
    system_calls::write_error_text("brio: the fibers of this loop:\n");
    const auto write = [](void*, std::string_view text) { system_calls::write_error_text(text); };
    static_cast<loop_core*>(running)->describe_fibers({write, nullptr});
}

// Here, because this file is in every program that has a loop.
[[maybe_unused]] const bool dump_installed =
    (dump_on_broken_invariant = &dump_fibers_of_this_loop, true);
}  // namespace

std::string describe_exception(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return name_of_current_exception_type() + ": " + e.what();
    } catch (const cancelled_error& e) {
        return name_of_current_exception_type() + ": " + e.what();
    } catch (...) {
        return name_of_current_exception_type();
    }
}

loop_core& require_loop(const char* call) {
    return static_cast<loop_core&>(require_scheduler(call));
}

loop_core::loop_core(const loop_options& options, void (*stuck)(loop_core&))
    : scheduler(options_of(options, stuck != nullptr)),
      facade_(*this),
      stuck_(stuck),
      eager_tasks_(options.eager_tasks) {
    set_debug(options.debug || debug_from_environment());
    make_named_reactor();
}

loop_core::~loop_core() {
    close();
}

void loop_core::close() noexcept {
    if (closed()) return;
    signals_.remove_all();
    descriptors_.remove_all();
    executor_.close();
    scheduler::close();
    retain();
    abandon(tasks_);
    abandon(background_);
    while (first_listed_ != nullptr) {
        listed_core& w = *first_listed_;
        remove(w);
        w.retain();
        w.forget_children();
        w.release();
    }
    handler_.reset();  // last: what is destroyed above may have exceptions that nobody has seen
    --references_;
}

void loop_core::abandon(task_list& tasks) noexcept {
    while (tasks.first != nullptr) {
        task_core& t = *tasks.first;
        t.retain();
        const any_future handle(&t, adopt_t{});
        const std::string text =
            "the loop closes, and this task is still pending: its stack is not unwound";
        report({text, nullptr, handle});
        t.drop_waiters();  // a gather and its child keep each other alive
        t.leave_loop();
    }
}

void loop_core::make_background(task_core& t) noexcept {
    tasks_.remove(t);
    t.background_ = true;
    background_.push_back(t);
}

std::vector<any_task> loop_core::task_list::handles() const {
    std::vector<any_task> all;
    for (task_core* t = first; t != nullptr; t = t->next_) {
        t->retain();
        all.emplace_back(t, adopt_t{});
    }
    return all;
}

void loop_core::remember_origin(const task_core& t, const char* file, int line) {
    origins_[&t] = std::string(file) + ":" + std::to_string(line);
}

std::string loop_core::origin_of(const future_core& f) const {
    const auto found = origins_.find(&f);
    return found == origins_.end() ? std::string() : found->second;
}

void loop_core::report(const exception_report& what) noexcept {
    const std::shared_ptr<event_loop::handler> handler = handler_;  // it may replace itself
    if (handler == nullptr) return report_by_default(what);
    try {
        handler->call(what);
    } catch (...) {
        report_by_default(what);
        report_by_default(
            {"the exception handler itself has thrown", std::current_exception(), {}});
    }
}

void loop_core::report_by_default(const exception_report& what) const noexcept {
    std::string text = "brio: " + std::string(what.message) + "\n";
    if (what.future.valid()) {
        text += "  " + what.future.core().describe();
        if (const std::string origin = origin_of(what.future.core()); !origin.empty())
            text += ", made at " + origin;
        text += "\n";
    }
    if (what.exception != nullptr) text += "  " + describe_exception(what.exception) + "\n";
    std::fwrite(text.data(), 1, text.size(), stderr);
}

void loop_core::set_debug(bool on) noexcept {
    debug_ = on;
    watch_steps(on ? &time_step : nullptr);
}

/// On the loop's clock, as in asyncio: nothing is slow on a virtual one.
void loop_core::time_step(scheduler& s, ready_node& node) {
    auto& loop = static_cast<loop_core&>(s);
    any_future task;
    if (node.what == ready_node::kind::fiber) {
        task_core& core = *static_cast<fiber&>(node).task;
        core.retain();
        task = any_future(&core, adopt_t{});
    }
    const time_point before = loop.now();
    loop.run_watched(node);
    const duration took = loop.now() - before;
    if (took >= loop.slow_step_ && !loop.virtual_clock()) loop.report_slow(task, took);
}

void loop_core::report_slow(const any_future& task, duration took) {
    const double seconds = std::chrono::duration<double>(took).count();
    const std::string text = (task.valid() ? "a task" : "a callback") +
                             std::string(" has held the loop for ") + std::to_string(seconds) +
                             " s";
    report({text, nullptr, task});
}

void loop_core::require_open(const char* call) {
    if (closed()) throw usage_error(std::string(call) + ": the loop is closed");
    if (!on_own_thread())
        throw usage_error(std::string(call) + ": the loop belongs to another thread");
    touched_from_outside();
}

void loop_core::require_able_to_run(const char* call) {
    require_open(call);
    if (this_scheduler() != nullptr)
        throw usage_error(std::string(call) + ": a loop is running on this thread already");
}

void loop_core::run_forever() {
    require_able_to_run("run_forever");
    run_turns_of([this] { run(); });
}

void loop_core::run_once(duration longest) {
    require_able_to_run("run_once");
    run_turns_of([this, longest] { scheduler::run_once(longest); });
}

template <class F>
void loop_core::run_turns_of(F run) {
    const stack_overflow_reporter overflow(stacks(), &name_of_running_fiber);
    try {
        run();
    } catch (const nothing_can_happen&) {
        stuck_(*this);
        throw;
    }
}

}  // namespace brio::inline v0::detail
