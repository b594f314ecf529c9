// Task groups, as asyncio/taskgroups.py has them (3.14, with cancel() of 3.15).

#include "scheduler/park.hpp"
#include "task/cancel.hpp"
#include "task/loop_core.hpp"

#include <brio/detail/watcher.hpp>
#include <brio/error.hpp>
#include <brio/task_group.hpp>

#include <iterator>
#include <list>
#include <string>
#include <vector>

namespace brio::inline v0 {
namespace detail {

/// Reports of the children; lives as long as one may still report.
class group_core final : public watcher {
public:
    using watcher::watcher;

    void enter() {
        parent_ = current_task();
        entered_ = true;
        if (cancel_on_enter_) cancel_group();
    }
    void require_accepting(const char* call) const {
        require_own_thread(call);
        if (!entered_) throw usage_error(std::string(call) + ": the group's run() has not begun");
        if (exiting_ && running_.empty())
            throw usage_error(std::string(call) + ": the group has ended");
        if (aborting_) throw usage_error(std::string(call) + ": the group is shutting down");
    }
    void add(future_core& child) {
        child.retain();
        member& m = running_.emplace_back();
        m.place = std::prev(running_.end());
        observe(m, child);
        if (aborting_ && !child.done()) cancel_or_report(child);
    }
    void cancel_group() {
        require_own_thread("task_group_scope::cancel");
        if (!entered_) {
            cancel_on_enter_ = true;
            return;
        }
        if (exiting_ && running_.empty()) return;
        if (!aborting_) abort_and_cancel_parent();
    }
    /// asyncio's _aexit. Returns the error to go on with: none, or a cancelled_error; throws the
    /// group's own.
    std::exception_ptr wait_for_all(const std::exception_ptr& body_error);

    [[nodiscard]] bool entered() const noexcept { return entered_; }
    [[nodiscard]] bool left() const noexcept { return left_; }
    [[nodiscard]] std::string describe() const override { return "task group"; }
    [[nodiscard]] task_core* owner() const noexcept override {
        return static_cast<task_core*>(&parent_.core());
    }

private:
    class all_done final : public private_wait {
    public:
        using private_wait::private_wait;
        [[nodiscard]] std::string describe() const override { return "task group"; }
    };
    struct member final : watch {
        std::list<member>::iterator place;
    };
    void on_done(watch& w) noexcept override;
    void wait_until_done(fiber& self);
    void abort() {
        aborting_ = true;
        for (member& m : running_)
            if (!m.child().done()) cancel_or_report(m.child());
    }
    void abort_and_cancel_parent() {
        abort();
        if (parent_cancel_requested_) return;
        parent_cancel_requested_ = true;
        cancel_or_report(parent_.core());
    }

    any_task parent_;
    std::list<member> running_;  // in order of creation; a reference to each child is held
    std::vector<std::exception_ptr> errors_;
    all_done* waiter_ = nullptr;
    bool entered_ = false;
    bool exiting_ = false;
    bool left_ = false;
    bool aborting_ = false;
    bool parent_cancel_requested_ = false;
    bool cancel_on_enter_ = false;
};

void group_core::on_done(watch& w) noexcept {
    future_core& child = w.child();
    running_.erase(static_cast<member&>(w).place);
    if (running_.empty() && waiter_ != nullptr) waiter_->finish();
    const std::exception_ptr error = child.cancelled() ? nullptr : child.stored_exception();
    if (!child.cancelled()) child.mark_retrieved();
    child.release();
    if (error == nullptr) return;
    errors_.push_back(error);
    if (!aborting_ && !parent_cancel_requested_) abort_and_cancel_parent();
}

void group_core::wait_until_done(fiber& self) {
    struct slot {
        group_core& core;
        all_done wait;
        ~slot() { core.waiter_ = nullptr; }
    } one{*this, all_done(self)};
    waiter_ = &one.wait;
    one.wait.wait();
}

std::exception_ptr group_core::wait_for_all(const std::exception_ptr& body_error) {
    exiting_ = true;
    const bool body_cancelled = exception_as<cancelled_error>(body_error) != nullptr;
    std::exception_ptr going_on = body_cancelled ? body_error : nullptr;
    std::exception_ptr latest_cancel;
    if (body_error != nullptr && !aborting_) abort();

    fiber& self = require_fiber("task_group_scope::run");
    while (!running_.empty()) {
        try {
            wait_until_done(self);
        } catch (const cancelled_error&) {
            latest_cancel = std::current_exception();
            if (!aborting_) {
                going_on = latest_cancel;
                abort();
            }
        }
    }
    left_ = true;
    if (parent_cancel_requested_) {
        if (parent_.uncancel() == 0)
            going_on = nullptr;
        else if (going_on == nullptr)
            going_on = latest_cancel;
    }
    if (going_on != nullptr && errors_.empty()) return going_on;
    if (body_error != nullptr && !body_cancelled) errors_.push_back(body_error);
    if (errors_.empty()) return nullptr;
    if (parent_.cancelling() > 0) {
        parent_.uncancel();
        parent_.cancel();
    }
    throw exception_group("unhandled errors in a task group", std::move(errors_));
}

}  // namespace detail

task_group_scope::task_group_scope()
    : core_(new detail::group_core(detail::require_loop("task_group_scope"))) {}
task_group_scope::~task_group_scope() {
    core_->release();
}

void task_group_scope::enter() {
    if (core_->entered()) throw usage_error("task_group_scope::run: it has been entered already");
    detail::require_fiber("task_group_scope::run");
    core_->enter();
}

void task_group_scope::leave() {
    if (const std::exception_ptr error = core_->wait_for_all(nullptr))
        std::rethrow_exception(error);
}

bool task_group_scope::leave_by(const std::exception_ptr& error) {
    const std::exception_ptr going_on = core_->wait_for_all(error);
    if (going_on != nullptr) std::rethrow_exception(going_on);
    return true;
}

bool task_group_scope::left() const noexcept {
    return core_->left();
}

detail::loop_core& task_group_scope::loop_for_child() const {
    core_->require_accepting("task_group_scope::create_task");
    return core_->loop();
}

void task_group_scope::add(const any_task& child) {
    core_->add(child.core());
}

void task_group_scope::cancel() {
    core_->cancel_group();
}

}  // namespace brio::inline v0
