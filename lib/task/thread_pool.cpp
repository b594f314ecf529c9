// Thread pools for users, and waiting for what their threads bring.

#include "scheduler/park.hpp"
#include "thread/end_notice.hpp"
#include "thread/worker_pool.hpp"

#include <brio/error.hpp>
#include <brio/thread.hpp>
#include <brio/timeout.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

namespace brio::inline v0 {
namespace detail {
namespace {

/// A fiber that waits for the end of a concurrent_core.
class end_wait final : public private_wait {
public:
    end_wait(fiber& self, concurrent_core& core)
        : private_wait(self), notice_(end_notice::order(core, self.owner, &hear, this)) {
        if (notice_ == nullptr) finish();
    }
    ~end_wait() {
        if (notice_ != nullptr) notice_->dismiss();
    }
    [[nodiscard]] std::string describe() const override { return "a concurrent_future"; }

private:
    static void hear(void* self) { static_cast<end_wait*>(self)->finish(); }
    end_notice* const notice_;
};

}  // namespace

void wait_until_done(concurrent_core& core, delay timeout, const char* call) {
    if (core.done()) return;
    if (this_scheduler() == nullptr) {
        if (!core.block(timeout.get())) throw timeout_error();
        return;
    }
    fiber& self = require_fiber(call);
    brio::timeout(timeout, [&] { end_wait(self, core).wait(); });
}

void work_core::run() noexcept {
    const bool starts = start();
    std::exception_ptr error;
    try {
        if (starts) call();
    } catch (...) {
        error = std::current_exception();
    }
    destroy_callable();
    if (!starts) return;
    if (error == nullptr)
        finish();
    else
        set_exception(std::move(error));
}

namespace {
struct queued_work final : job {
    explicit queued_work(work_core& w) noexcept
        : job([](job& j) noexcept {
              const std::unique_ptr<queued_work> self(static_cast<queued_work*>(&j));
              self->work.run();
          }),
          work(w) {
        work.retain();
    }
    ~queued_work() { work.release(); }
    work_core& work;
};

std::size_t default_size() noexcept {
    return std::min<std::size_t>(32, std::thread::hardware_concurrency() + 4);
}
}  // namespace
}  // namespace detail

/// `ended` is done when the last thread has nothing left to do.
class thread_pool::state {
public:
    explicit state(const thread_pool_options& options)
        : last_(*this),
          threads_(options.name, options.threads > 0 ? options.threads : detail::default_size()) {
        static_cast<void>(ended().start());
    }
    state(const state&) = delete;
    state& operator=(const state&) = delete;

    void submit(detail::work_core& work) {
        auto job = std::make_unique<detail::queued_work>(work);
        threads_.submit(*job);
        static_cast<void>(job.release());
    }
    void end() noexcept {
        if (!ending_.exchange(true)) threads_.end(last_);
    }
    [[nodiscard]] detail::concurrent_core& ended() const noexcept { return ended_.core(); }
    [[nodiscard]] bool on_own_thread() noexcept { return threads_.on_own_thread(); }

private:
    struct last_job final : detail::job {
        explicit last_job(state& s) noexcept
            : job([](detail::job& j) noexcept { static_cast<last_job&>(j).pool.ended().finish(); }),
              pool(s) {}
        state& pool;
    };

    const concurrent_future<void> ended_{new detail::concurrent_value<void>, detail::adopt_t{}};
    last_job last_;
    std::atomic<bool> ending_ = false;
    detail::worker_pool threads_;  // last: its threads use the rest
};

thread_pool::thread_pool(const thread_pool_options& options) : state_(new state(options)) {}

thread_pool::~thread_pool() {
    const defer_cancel whole;
    state_->end();
    if (detail::this_fiber() != nullptr) wait_for_end(std::nullopt);
    delete state_;  // blocks until the threads have ended
}

void thread_pool::submit_work(detail::work_core& work) {
    state_->submit(work);
}

void thread_pool::shutdown(bool wait) {
    if (wait && state_->on_own_thread())
        throw usage_error("thread_pool::shutdown: this is one of its threads");
    state_->end();
    if (wait) wait_for_end(std::nullopt);
}

void thread_pool::wait_for_end(delay timeout) {
    detail::wait_until_done(state_->ended(), timeout, "thread_pool::shutdown");
}

}  // namespace brio::inline v0
