#include "task/executor.hpp"

#include "task/loop_core.hpp"

#include <brio/detail/short_lock.hpp>
#include <brio/error.hpp>
#include <brio/thread.hpp>

#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace brio::inline v0 {
namespace detail {

namespace {
/// One of ours: its threads may use it until the process ends.
void leave_to_itself(std::unique_ptr<thread_pool> pool) {
    static short_lock lock;
    static auto& left = *new std::vector<std::unique_ptr<thread_pool>>;
    const std::lock_guard held(lock);
    left.push_back(std::move(pool));
}
}  // namespace

executor::executor() noexcept = default;
executor::~executor() = default;

void executor::refuse_after_shutdown(const char* call) const {
    if (shut_down_)
        throw usage_error(std::string(call) + ": the default executor has been shut down");
}

thread_pool& executor::pool(const char* call) {
    refuse_after_shutdown(call);
    if (pool_ == nullptr) {
        own_ = std::make_unique<thread_pool>();
        pool_ = own_.get();
    }
    return *pool_;
}

void executor::use(thread_pool& pool) {
    refuse_after_shutdown("set_default_executor");
    pool_ = &pool;  // one of our own stays for the work that it has
}

void executor::shut_down(loop_core& loop, delay timeout) {
    shut_down_ = true;
    if (pool_ == nullptr) return;
    pool_->shutdown(false);
    try {
        pool_->wait_for_end(timeout);
    } catch (const timeout_error&) {
        loop.report({"the default executor is still at work: its threads are left to themselves",
                     nullptr,
                     {}});
        if (pool_ == own_.get()) leave_to_itself(std::move(own_));
    }
    pool_ = nullptr;
}

void executor::close() noexcept {
    if (own_ != nullptr) own_->shutdown(false);
}

thread_pool& default_executor(const char* call) {
    return require_loop(call).default_executor().pool(call);
}

}  // namespace detail

void event_loop::set_default_executor(thread_pool& pool) {
    require_open("set_default_executor");
    core_.default_executor().use(pool);
}

void event_loop::shutdown_default_executor(delay timeout) {
    core_.default_executor().shut_down(core_, timeout);
}

}  // namespace brio::inline v0
