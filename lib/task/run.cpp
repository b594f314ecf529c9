// run and runner, as asyncio/runners.py has them.
//
// SIGINT: the handler only rings the loop's mailbox; main is cancelled at the loop's next turn. The
// handler is one-shot (SA_RESETHAND), so that a second SIGINT finds the default action.

#include "base/signal_action.hpp"
#include "scheduler/mailbox.hpp"
#include "task/loop_core.hpp"

#include <brio/error.hpp>
#include <brio/gather.hpp>
#include <brio/run.hpp>

#include <atomic>
#include <csignal>
#include <exception>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace brio::inline v0 {
namespace {

std::atomic<detail::mailbox*> interrupted_box{nullptr};

void on_sigint(int) {
    if (detail::mailbox* const box = interrupted_box.load()) box->interrupt();
}

bool on_main_thread() {
    return ::syscall(SYS_gettid) == ::getpid();
}

/// While one lives, the first SIGINT cancels `main`.
class sigint_scope {
public:
    sigint_scope(detail::loop_core& loop, const any_task& main, bool wanted)
        : loop_(loop), main_(main) {
        struct sigaction current;
        if (!wanted || !on_main_thread() ||
            detail::set_signal_action(SIGINT, nullptr, &current) != 0)
            return;
        if ((current.sa_flags & SA_SIGINFO) != 0 || current.sa_handler != SIG_DFL) return;
        loop_.on_interrupt(&cancel_main, this);
        interrupted_box.store(&loop_.box());
        detail::add_own_handler(&on_sigint);
        struct sigaction ours = {};
        ours.sa_handler = &on_sigint;
        ours.sa_flags = static_cast<int>(SA_RESETHAND);
        ::sigemptyset(&ours.sa_mask);
        installed_ = detail::set_signal_action(SIGINT, &ours, nullptr) == 0;
    }
    sigint_scope(const sigint_scope&) = delete;
    sigint_scope& operator=(const sigint_scope&) = delete;
    ~sigint_scope() {
        if (!installed_) return;
        // Unless main has put a handler of its own there. Also where it is the default again: in
        // the eyes of ThreadSanitizer, which does not see SA_RESETHAND at work, it is not.
        struct sigaction current;
        if (detail::set_signal_action(SIGINT, nullptr, &current) == 0 &&
            (current.sa_handler == &on_sigint || current.sa_handler == SIG_DFL))
            ::signal(SIGINT, SIG_DFL);
        detail::forget_saved_handler(SIGINT, &on_sigint);
        interrupted_box.store(nullptr);
        loop_.on_interrupt(nullptr, nullptr);
    }
    [[nodiscard]] bool interrupted() const noexcept { return interrupted_; }

private:
    static void cancel_main(void* self, unsigned) {
        auto& scope = *static_cast<sigint_scope*>(self);
        scope.interrupted_ = true;
        scope.main_.cancel();
    }
    detail::loop_core& loop_;
    const any_task& main_;
    bool installed_ = false;
    bool interrupted_ = false;
};

/// Cancels all, and takes those out that nothing can end; returns the first of their errors.
std::exception_ptr cancel_those_that_can_end(std::vector<any_task>& tasks) {
    std::exception_ptr first;
    std::erase_if(tasks, [&](const any_task& t) {
        try {
            t.cancel();
            return false;
        } catch (const usage_error&) {
            if (first == nullptr) first = std::current_exception();
            return true;
        }
    });
    return first;
}

void cancel_all_of(event_loop& loop, std::vector<any_task> left) {
    if (left.empty()) return;
    loop.core().require_able_to_run("runner::close");
    const std::exception_ptr circle = cancel_those_that_can_end(left);
    if (!left.empty()) (void)loop.run_until_complete(gather(return_exceptions, left));
    for (const any_task& t : left) {
        if (t.cancelled() || t.exception() == nullptr) continue;
        loop.call_exception_handler(
            {"a task failed while run() was shutting down", t.exception(), t});
    }
    if (circle != nullptr) std::rethrow_exception(circle);
}

/// Those that run on their own account last: what ends may still want to be sent.
void cancel_all_tasks(event_loop& loop) {
    cancel_all_of(loop, loop.core().tasks());
    cancel_all_of(loop, loop.core().background_tasks());
    cancel_all_of(loop, loop.core().tasks());  // a server has accepted meanwhile
}

/// asyncio's end of a run, but for the close.
void finish_up(event_loop& loop) {
    cancel_all_tasks(loop);
    if (!loop.core().default_executor().in_use()) return;
    // A virtual clock does not wait for threads: the time would be up at once.
    const delay limit = loop.core().virtual_clock() ? delay(std::nullopt) : std::chrono::minutes(5);
    loop.run_until_complete([&] { loop.shutdown_default_executor(limit); });
}

}  // namespace

runner::runner(const loop_options& options)
    : core_(new detail::loop_core(options)), handle_sigint_(options.handle_sigint) {}

runner::runner(const loop_options& options, void (*stuck)(detail::loop_core& loop))
    : core_(new detail::loop_core(options, stuck)), handle_sigint_(false) {}

runner::~runner() {
    try {
        if (!core_->closed()) finish_up(core_->facade());
    } catch (...) {
        core_->report(
            {"the tasks that were left could not be ended", std::current_exception(), {}});
    }
    core_->close();
    core_->release();
}

event_loop& runner::get_loop() {
    core_->require_open("runner::get_loop");
    return core_->facade();
}

event_loop& runner::loop_for_main() {
    core_->require_able_to_run("run");
    return core_->facade();
}

void runner::run_main(const any_task& main) {
    struct kept_context {
        ~kept_context() { to = main.get_context(); }
        const any_task& main;
        context& to;
    };
    const kept_context kept{main, context_};
    const sigint_scope sigint(*core_, main, handle_sigint_);
    core_->facade().run_until_done(main, true);
    if (sigint.interrupted() && main.cancelled() && main.uncancel() == 0)
        throw keyboard_interrupt();
}

void runner::close() {
    if (core_->closed()) return;
    try {
        finish_up(core_->facade());
    } catch (...) {
        if (!core_->running()) core_->close();
        throw;
    }
    core_->close();
}

}  // namespace brio::inline v0
