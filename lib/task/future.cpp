// Futures, as asyncio/futures.py has them; and awaiting, which in asyncio is Task.__step and
// __wakeup.

#include "base/invariant.hpp"
#include "scheduler/park.hpp"
#include "task/cancel.hpp"
#include "task/loop_core.hpp"

#include <brio/error.hpp>
#include <brio/event_loop.hpp>
#include <brio/future.hpp>

namespace brio::inline v0 {

event_loop& any_future::get_loop() const {
    return core().loop().facade();
}

namespace detail {

void throw_empty_handle() {
    throw usage_error("the handle is empty: it was default-constructed or moved from");
}

loop_core& loop_for_new_future() {
    return require_loop("create_future");
}

future_core::future_core(loop_core& loop) noexcept : loop_(&loop) {
    loop.retain();
}

future_core::~future_core() {
    drop_waiters();
    delete message_;
    loop_->release();
}

void future_core::drop_waiters() noexcept {
    while (ready_node* const node = waiting_.first()) {
        waiting_.remove(*node);
        if (node->what != ready_node::kind::fiber) node->run(*node, ready_node::fate::drop);
    }
}

/// The last handle has gone. An exception nobody has seen is reported; the handler may keep a handle.
void future_core::drop() noexcept {
    if (unretrieved_) {
        unretrieved_ = false;
        references_ = 1;
        const any_future handle(this, adopt_t{});
        const std::string text =
            (is_task() ? "a task's" : "a future's") + std::string(" exception was never retrieved");
        loop_->report({text, exception_, handle});
        return;
    }
    delete this;
}

std::string future_core::describe() const {
    return "future";
}

void future_core::require_own_thread(const char* call) const {
    if (!loop_->on_own_thread())
        throw usage_error(std::string(call) + ": the " + describe() + " belongs to another thread");
    loop_->touched_from_outside();
}

void future_core::require_on(const loop_core& loop, const char* call) const {
    require_thread_of(*this, call);
    if (&loop != loop_)
        throw usage_error(std::string(call) + ": the " + describe() + " belongs to another loop");
}

void future_core::set_message(std::string_view message) {
    delete std::exchange(message_, nullptr);
    if (message.data() != nullptr) message_ = new std::string(message);
}

/// The callbacks in `waiting_` go into the ready queue.
void future_core::retain_for_callbacks() noexcept {
    for (ready_node* node = waiting_.first(); node != nullptr; node = node->next) {
        if (node->what != ready_node::kind::callback) continue;
        static_cast<done_callback*>(node)->queued = true;
        retain();
    }
}

void future_core::become(status s) noexcept {
    invariant(status_ == status::pending, "a future ends twice");
    status_ = s;
    if (waiting_.empty()) return;
    if (has_callbacks_) retain_for_callbacks();
    loop_->append(waiting_);
}

bool future_core::cancel(std::string_view message) {
    require_thread_of(*this, "cancel");
    unretrieved_ = false;
    if (done()) return false;
    set_message(message);
    become(status::cancelled);
    return true;
}

void future_core::require_settable(const char* call) const {
    require_thread_of(*this, call);
    if (is_task())
        throw usage_error(std::string(call) + ": the result of the " + describe() + " is its own");
    if (done())
        throw invalid_state_error(std::string(call) + ": the " + describe() + " is " +
                                  (cancelled() ? "cancelled" : "finished") + " already");
}

void future_core::finish() noexcept {
    become(status::finished);
}

void future_core::set_exception(std::exception_ptr error) {
    if (error == nullptr) throw std::invalid_argument("set_exception: the exception is null");
    exception_ = std::move(error);
    unretrieved_ = true;
    become(status::finished);
}

std::exception_ptr future_core::take_cancelled_error() {
    if (cancelled() && exception_ != nullptr) return std::exchange(exception_, nullptr);
    return std::make_exception_ptr(message_ != nullptr ? cancelled_error(*message_)
                                                       : cancelled_error());
}

std::exception_ptr future_core::exception() {
    require_thread_of(*this, "exception");
    if (!done()) throw invalid_state_error("exception: the " + describe() + " is not done");
    if (cancelled()) std::rethrow_exception(take_cancelled_error());
    unretrieved_ = false;
    return exception_;
}

void future_core::require_value() {
    require_thread_of(*this, "result");
    if (!done()) throw invalid_state_error("result: the " + describe() + " is not done");
    if (cancelled() || exception_ != nullptr || taken_) throw_in_place_of_value();
}

void future_core::throw_in_place_of_value() {
    if (cancelled()) std::rethrow_exception(take_cancelled_error());
    unretrieved_ = false;
    if (exception_ != nullptr) std::rethrow_exception(exception_);
    throw invalid_state_error("result: the result of the " + describe() + " was moved out");
}

void future_core::add_callback(done_callback& node) noexcept {
    node.future = this;
    if (done()) {
        node.queued = true;
        retain();
        return loop_->append(node);
    }
    has_callbacks_ = true;
    waiting_.push_back(node);
}

bool future_core::remove_callback(done_callback& node) noexcept {
    if (done()) return false;
    waiting_.remove(node);
    return true;
}

namespace {
/// What a task that awaits a future waits for: a cancel goes to the future.
class await_hook final : public wait_hook {
public:
    explicit await_hook(future_core& f) noexcept : future_(f) {}
    /// In a circle the request stays pending: the cancel that comes to end the wait says so.
    bool abort(std::string_view message) noexcept override {
        if (!passes_cancel_on(future_)) return future_.cancel(message);
        const cancel_result result = pass_cancel_on(future_, message);
        return result.accepted && result.circle == nullptr;
    }
    [[nodiscard]] future_core* awaits() const noexcept override { return &future_; }
    [[nodiscard]] std::string describe() const override { return future_.describe(); }

private:
    future_core& future_;
};

bool is_cancelled_error(const std::exception_ptr& error) {
    if (error == nullptr) return false;
    try {
        std::rethrow_exception(error);
    } catch (const cancelled_error&) {
        return true;
    } catch (...) {
        return false;
    }
}
}  // namespace

// One function, so that the way back from the switch is short: each return after it is one that the
// processor may mispredict.
void future_core::await() {
    if (!done()) {
        require_thread_of(*this, "await");
        fiber& self = require_fiber("await");
        if (&self.owner != loop_) [[unlikely]]
            require_on(static_cast<loop_core&>(self.owner), "await");
        if (static_cast<future_core*>(self.task) == this) [[unlikely]]
            refuse_to_await_itself(self);
        await_hook hook(*this);
        waiting_.push_back(self);
        retain();
        park(self, hook);
        self.task->take_awaited(*this);
        if (self.cancel_pending) [[unlikely]]
            cancelled_while_waking(self);
    }
    require_value();
}

/// In the next turn, as asyncio's __step has it: a cancel that comes first is what is thrown.
void future_core::refuse_to_await_itself(fiber& self) {
    self.owner.yield();
    deliver_cancel(self);
    throw usage_error("await: the " + describe() + " cannot await itself");
}

/// A request that came when the wake-up was on its way: it is what is thrown, unless the future
/// itself ends in a cancelled_error, which then stands for both.
void future_core::cancelled_while_waking(fiber& self) {
    if (!may_cancel(self)) return;
    unretrieved_ = false;
    if (!cancelled() && !is_cancelled_error(exception_)) throw take_cancel(self);
    self.owner.set_cancel_pending(self, false);
}

// ---------------------------------------------------------------------------------- done callbacks

std::uint64_t add_callback(future_core& core, done_callback& callback) {
    static thread_local std::uint64_t last_id = 0;
    const std::uint64_t id = ++last_id;
    callback.id = id;
    core.add_callback(callback);  // a closed loop destroys it at once
    return id;
}

bool remove_callback(future_core& core, std::uint64_t id) {
    require_thread_of(core, "remove_done_callback");
    if (core.done()) return false;
    for (ready_node* node = core.waiters().first(); node != nullptr; node = node->next) {
        if (node->what != ready_node::kind::callback) continue;
        auto& callback = static_cast<done_callback&>(*node);
        if (callback.id != id) continue;
        core.remove_callback(callback);
        node->run(*node, ready_node::fate::drop);
        return true;
    }
    return false;
}

void report_callback_failure(future_core& core) noexcept {
    core.retain();
    const any_future handle(&core, adopt_t{});
    core.loop().report({"exception in a done callback", std::current_exception(), handle});
}

}  // namespace detail
}  // namespace brio::inline v0
