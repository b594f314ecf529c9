#include "thread/blocking_call.hpp"

#include "scheduler/scheduler.hpp"

#include <string>

namespace brio::inline v0 {
namespace detail {

class blocking_call::thread_wait final : public private_wait {
public:
    thread_wait(fiber& self, worker_pool& pool, const char* what,
                std::unique_ptr<blocking_call>& call, ends when) noexcept
        : private_wait(self), pool_(pool), what_(what), call_(call), ends_(when) {
        call->waiting_ = this;
    }
    std::string describe() const override { return std::string(what_) + " in a thread"; }
    void interrupt() noexcept override {
        if (ends_ == ends::when_interrupted) end_early();
    }
    void arrived() noexcept {
        waiter().owner.expected_post_came();
        finish();
    }

private:
    void withdraw() noexcept override {
        blocking_call* const call = call_.release();
        call->waiting_ = nullptr;
        waiter().owner.expected_post_came();
        if (!pool_.withdraw(*call)) return;  // it runs: arrive() deletes it
        call->box_->release();
        delete call;
    }

    worker_pool& pool_;
    const char* what_;
    std::unique_ptr<blocking_call>& call_;
    ends ends_;
};

blocking_call::blocking_call() noexcept : job(&run_job), ready_node(kind::bookkeeping, &arrive) {}

blocking_call::~blocking_call() = default;

void blocking_call::make(worker_pool& pool, const char* what, std::unique_ptr<blocking_call>& call,
                         ends when) {
    fiber& self = require_fiber(what);
    deliver_cancel(self);
    thread_wait waiting(self, pool, what, call, when);
    call->box_ = &self.owner.box();
    call->box_->retain();
    try {
        pool.submit(*call);
    } catch (...) {
        call->box_->release();
        throw;
    }
    self.owner.expect_post();
    waiting.wait();
}

void blocking_call::run_job(job& j) noexcept {
    auto& call = static_cast<blocking_call&>(j);
    call.work();
    mailbox& box = *call.box_;
    if (!box.post(call)) delete &call;
    box.release();
}

void blocking_call::arrive(ready_node& node, fate f) {
    auto& call = static_cast<blocking_call&>(node);
    if (f == fate::drop || call.waiting_ == nullptr)
        delete &call;
    else
        call.waiting_->arrived();
}

}  // namespace detail
}  // namespace brio::inline v0
