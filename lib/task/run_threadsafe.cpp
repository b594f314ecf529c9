// Between a loop and other threads: run_threadsafe and wrap_future, as asyncio's _chain_future has
// them.

#include "task/loop_core.hpp"
#include "thread/end_notice.hpp"

#include <brio/error.hpp>
#include <brio/thread.hpp>

#include <memory>

namespace brio::inline v0::detail {

// -------------------------------------------------------------------------- a task, for other threads

void remote_core::start_on_loop(callback_body* body) const {
    loop_.post(body, "run_threadsafe");
}

void remote_core::report_unretrieved(std::exception_ptr&& error) noexcept {
    try {
        loop_.call_soon_threadsafe([error = std::move(error)] {
            get_running_loop().call_exception_handler(
                {"an exception of run_threadsafe was never retrieved", error, {}});
        });
    } catch (const usage_error&) {  // the loop has closed: nobody is left to be told
    }
}

void fail(const promise& p) noexcept {
    if (p.core().start()) p.core().set_exception(std::current_exception());
}

namespace {

/// On the task's list of callbacks, which owns it. Where the loop closes the list is dropped, and the
/// promise with it.
class task_link final : public done_callback {
public:
    using storer = void (*)(future_core&, concurrent_core&);

    task_link(loop_core& loop, promise p, storer store)
        : done_callback(&turn),
          promise_(std::move(p)),
          store_(store),
          notice_(end_notice::order(promise_.core(), loop, &hear, this,
                                    end_notice::prospect::possible)) {}
    task_link(const task_link&) = delete;
    task_link& operator=(const task_link&) = delete;

    /// Before it is on the list nobody can tell it of a cancel that has come already.
    [[nodiscard]] bool cancelled_before() const noexcept { return notice_ == nullptr; }

private:
    ~task_link() {
        if (notice_ != nullptr) notice_->dismiss();
    }
    /// The future has been cancelled.
    static void hear(void* self) {
        future_core& task = *static_cast<task_link*>(self)->future;
        try {
            task.cancel({});
        } catch (const usage_error&) {
            task.retain();
            task.loop().report({"a task could not be cancelled", std::current_exception(),
                                any_future(&task, adopt_t{})});
        }
    }
    static void turn(ready_node& node, fate what) {
        const auto destroy = [](task_link* l) { delete l; };
        const std::unique_ptr<task_link, decltype(destroy)> self(static_cast<task_link*>(&node),
                                                                 destroy);
        const any_future task = self->leave_queue();
        if (what == fate::run) self->pass_on(task.core());
    }
    void pass_on(future_core& task) noexcept {
        concurrent_core& to = promise_.core();
        if (task.cancelled()) {
            to.cancel();
        } else if (to.start()) {
            try {
                if (const std::exception_ptr error = task.exception())
                    std::rethrow_exception(error);
                store_(task, to);
                to.finish();
            } catch (...) {
                to.set_exception(std::current_exception());
            }
        }
    }

    const promise promise_;
    const storer store_;
    end_notice* const notice_;
};

}  // namespace

void fulfil_by(const any_task& task, promise p, void (*store)(future_core&, concurrent_core&)) {
    future_core& core = task.core();
    auto* const link = new task_link(core.loop(), std::move(p), store);
    const bool cancelled = link->cancelled_before();
    core.add_callback(*link);
    if (cancelled) task.cancel();
}

// ----------------------------------------------------------------- what threads bring, for a loop

loop_core& loop_for_wrapping(const char* call) {
    return require_loop(call);
}

wrapped_core::~wrapped_core() {
    source_.release();
}

void wrapped_core::begin() {
    notice_ = end_notice::order(source_, *loop_, &hear, this);
    if (notice_ == nullptr) return take_over();
    retain();
    be_listed();
}

void wrapped_core::hear(void* self) {
    auto& wrapped = *static_cast<wrapped_core*>(self);
    if (!wrapped.done()) wrapped.take_over();
    wrapped.stop_listening();
}

void wrapped_core::take_over() noexcept {
    if (source_.cancelled()) {
        future_core::cancel({});
        return;
    }
    try {
        if (const std::exception_ptr error = source_.exception()) return set_exception(error);
        take_value();
        finish();
    } catch (...) {
        set_exception(std::current_exception());
    }
}

/// May destroy it.
void wrapped_core::stop_listening() noexcept {
    end_notice* const notice = std::exchange(notice_, nullptr);
    if (notice == nullptr) return;
    notice->dismiss();
    release();
}

bool wrapped_core::cancel(std::string_view message) {
    if (!future_core::cancel(message)) return false;
    source_.cancel();
    stop_listening();
    return true;
}

void wrapped_core::forget_children() noexcept {
    stop_listening();
}

}  // namespace brio::inline v0::detail
