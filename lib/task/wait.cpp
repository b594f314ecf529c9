// wait, wait_for's corner, as_completed and shield, as asyncio/tasks.py has them.

#include "scheduler/park.hpp"
#include "task/loop_core.hpp"

#include <brio/error.hpp>
#include <brio/wait.hpp>

#include <deque>
#include <stdexcept>
#include <utility>

namespace brio::inline v0::detail {

void throw_timeout_error() {
    throw timeout_error();
}

// ------------------------------------------------------------------------------------------- wait
namespace {

/// asyncio's `waiter`: done when the rule is met, or the time is up.
class wait_core final : public watcher {
public:
    wait_core(loop_core& loop, const std::vector<future_core*>& cores, completion rule)
        : watcher(loop), rule_(rule), left_(cores.size()), watches_(cores.size()) {
        for (std::size_t i = 0; i < cores.size(); ++i) observe(watches_[i], *cores[i]);
    }
    void time_is_up() noexcept {
        if (!done()) finish();
    }
    void forget_children() noexcept override {
        timer_.cancel();
        for (watch& w : watches_) forget(w);
    }
    void limit(duration d) {
        timer_ = loop().facade().call_later(d, [this] { time_is_up(); });
    }
    [[nodiscard]] std::string describe() const override { return "wait"; }

private:
    ~wait_core() override = default;
    void on_done(watch& w) noexcept override {
        --left_;
        if (left_ > 0 && rule_ != first_completed && !counts_as_exception(w.child())) return;
        timer_.cancel();
        if (!done()) finish();
    }
    [[nodiscard]] bool counts_as_exception(future_core& child) const noexcept {
        if (rule_ != first_exception || child.cancelled()) return false;
        child.mark_retrieved();
        return child.stored_exception() != nullptr;
    }

    completion rule_;
    std::size_t left_;
    std::vector<watch> watches_;
    callback_handle timer_;
};

/// A reference for the length of a frame.
template <class Core>
class held {
public:
    explicit held(Core* owned) noexcept : core_(owned) {}
    held(const held&) = delete;
    held& operator=(const held&) = delete;
    ~held() { core_->release(); }
    Core* operator->() const noexcept { return core_; }

private:
    Core* core_;
};

}  // namespace

void wait_for_cores(const std::vector<future_core*>& cores, const wait_options& options) {
    require_fiber("wait");
    if (cores.empty()) throw std::invalid_argument("wait: there is nothing to wait for");
    loop_core& loop = require_loop("wait");
    for (const future_core* const core : cores) core->require_on(loop, "wait");
    const held<wait_core> waiter(new wait_core(loop, cores, options.return_when));
    try {
        if (const auto limit = options.timeout.get()) waiter->limit(*limit);
        waiter->await();
    } catch (...) {
        waiter->forget_children();
        throw;
    }
    waiter->forget_children();
}

void cancel_and_wait(future_core& core) {
    require_fiber("wait_for");
    loop_core& loop = require_loop("wait_for");
    core.require_on(loop, "wait_for");
    const held<wait_core> waiter(new wait_core(loop, {&core}, all_completed));
    try {
        core.cancel({});
        waiter->await();
    } catch (...) {
        waiter->forget_children();
        throw;
    }
    waiter->forget_children();
}

// ----------------------------------------------------------------------------------- as_completed

/// A queue of finished children, in the order of their done callbacks. After the time is up every
/// child that was not done counts as one sentinel.
class as_completed_core final : public watcher {
public:
    as_completed_core(loop_core& loop, std::vector<future_core*> children)
        : watcher(loop), children_(std::move(children)) {}

    void begin(delay timeout) {
        const std::vector<future_core*> distinct = without_repeats(children_);
        left_ = to_come_ = distinct.size();
        watches_ = std::vector<watch>(distinct.size());
        for (std::size_t i = 0; i < distinct.size(); ++i) observe(watches_[i], *distinct[i]);
        if (left_ > 0 && timeout.get())
            timer_ = loop().facade().call_later(*timeout.get(), [this] { time_is_up(); });
    }
    future_core* next() {
        if (to_come_ == 0) return nullptr;
        --to_come_;
        fiber& self = require_fiber("as_completed");
        while (finished_.empty() && sentinels_ == 0) wait_for_one(self);
        if (finished_.empty()) {
            --sentinels_;
            throw timeout_error();
        }
        future_core* const first = finished_.front();
        finished_.pop_front();
        first->retain();
        return first;
    }
    void forget_children() noexcept override {
        timer_.cancel();
        for (watch& w : watches_) forget(w);
    }
    [[nodiscard]] std::string describe() const override { return "as_completed"; }
    [[nodiscard]] task_core* owner() const noexcept override {
        return getter_ != nullptr ? &getter_->task() : nullptr;
    }

private:
    class getter final : public private_wait {
    public:
        using private_wait::private_wait;
        [[nodiscard]] task_core& task() const noexcept { return *waiter().task; }
        [[nodiscard]] std::string describe() const override { return "as_completed"; }
    };
    ~as_completed_core() override {
        for (future_core* const child : children_) child->release();
    }
    void wait_for_one(fiber& self) {
        struct slot {
            as_completed_core& core;
            getter wait;
            ~slot() { core.getter_ = nullptr; }
        } one{*this, getter(self)};
        getter_ = &one.wait;
        one.wait.wait();
    }
    void wake() noexcept {
        if (getter_ != nullptr) getter_->finish();
    }
    void on_done(watch& w) noexcept override {
        if (left_ == 0) return;  // the time was up before
        --left_;
        finished_.push_back(&w.child());
        if (left_ == 0) timer_.cancel();
        wake();
    }
    void time_is_up() noexcept {
        for (watch& w : watches_) forget(w);
        sentinels_ += left_;
        left_ = 0;
        wake();
    }

    std::vector<future_core*> children_;
    std::vector<watch> watches_;
    std::deque<future_core*> finished_;
    std::size_t left_ = 0;     // not done
    std::size_t to_come_ = 0;  // not yet handed out
    std::size_t sentinels_ = 0;
    getter* getter_ = nullptr;
    callback_handle timer_;
};

as_completed_handle::as_completed_handle(loop_core& loop, child_list& children, delay timeout)
    : core_(new as_completed_core(loop, children.release())) {
    core_->begin(timeout);
}
as_completed_handle::~as_completed_handle() {
    if (core_ == nullptr) return;
    core_->forget_children();
    core_->release();
}
future_core* as_completed_handle::next() {
    return core_->next();
}

// ----------------------------------------------------------------------------------------- shield

shield_core::~shield_core() {
    if (inner_ != nullptr) inner_->release();
}

std::string shield_core::describe() const {
    return inner_ == nullptr ? "shield" : "shield of " + inner_->describe();
}

void shield_core::begin() noexcept {
    observe(watch_, *inner_);
}

void shield_core::on_done(watch& w) noexcept {
    future_core& inner = w.child();
    if (cancelled()) {
        // The one awaiting it has gone; asyncio reports a later failure, and so do we.
        if (inner.cancelled() || inner.stored_exception() == nullptr) return;
        inner.mark_retrieved();
        inner.retain();
        const any_future handle(&inner, adopt_t{});
        loop().report({"exception in a shielded future", inner.stored_exception(), handle});
        return;
    }
    if (done()) return;
    if (inner.cancelled()) {
        future_core::cancel({});
    } else if (inner.stored_exception() != nullptr) {
        inner.mark_retrieved();
        set_exception(inner.stored_exception());
    } else {
        inner.mark_retrieved();
        lazy_ = true;
        finish();
    }
}

bool shield_core::cancel(std::string_view message) {
    if (!future_core::cancel(message)) return false;
    // The entry on inner's list holds this: an inner future that nobody else knows goes with it. One
    // entry is enough to report a failure; more would pile up on a future that lives long.
    future_core* const inner = std::exchange(inner_, nullptr);
    if (!inner->take_shield_report()) forget(watch_);
    inner->release();
    return true;
}

}  // namespace brio::inline v0::detail
