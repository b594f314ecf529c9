#include "thread/worker_pool.hpp"

#include <brio/error.hpp>

#include <algorithm>
#include <csignal>
#include <mutex>
#include <sys/prctl.h>
#include <system_error>
#include <utility>

namespace brio::inline v0 {
namespace detail {

namespace {

int this_process() noexcept {
    return static_cast<int>(::syscall(SYS_getpid));
}

/// A thread made meanwhile inherits the mask.
class all_signals_blocked {
public:
    all_signals_blocked() noexcept {
        sigset_t all;
        ::sigfillset(&all);
        ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before_, kernel_set_size);
    }
    all_signals_blocked(const all_signals_blocked&) = delete;
    all_signals_blocked& operator=(const all_signals_blocked&) = delete;
    ~all_signals_blocked() {
        ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, kernel_set_size);
    }

private:
    static constexpr std::size_t kernel_set_size = 8;
    sigset_t before_;
};

}  // namespace

worker_pool::worker_pool(std::string name, std::size_t most_threads)
    : name_(std::move(name)), most_threads_(most_threads), process_(this_process()) {}

worker_pool::~worker_pool() {
    stop_waiting();
    for (std::thread& t : threads_) t.join();
}

bool worker_pool::on_own_thread() noexcept {
    const std::lock_guard held(lock_);
    const auto here = std::this_thread::get_id();
    return std::any_of(threads_.begin(), threads_.end(),
                       [here](const std::thread& t) { return t.get_id() == here; });
}

void worker_pool::end(job& afterwards) noexcept {
    job* now = &afterwards;
    {
        const std::lock_guard held(lock_);
        ending_ = true;
        if (living_ > 0) afterwards_ = std::exchange(now, nullptr);
    }
    stop_waiting();
    if (now != nullptr) now->run(*now);
}

/// Threads that find nothing queued end from now on.
void worker_pool::stop_waiting() noexcept {
    {
        const std::lock_guard held(lock_);
        ending_ = true;
    }
    news_.fetch_add(1);
    futex_wake(news_, INT_MAX);
}

void worker_pool::submit(job& j) {
    if (process_.load(std::memory_order_relaxed) != this_process()) start_afresh_after_fork();
    {
        const std::lock_guard held(lock_);
        if (ending_) throw usage_error("thread_pool::submit: the pool has been shut down");
        if (queued_ + 1 > idle_ && threads_.size() < most_threads_) start_thread();
        push_back(j);
    }
    news_.fetch_add(1);
    futex_wake(news_, 1);
}

bool worker_pool::withdraw(job& j) noexcept {
    const std::lock_guard held(lock_);
    job* before = nullptr;
    for (job* at = first_; at != nullptr; before = std::exchange(at, at->next)) {
        if (at != &j) continue;
        (before == nullptr ? first_ : before->next) = j.next;
        if (last_ == &j) last_ = before;
        --queued_;
        return true;
    }
    return false;
}

/// Only the thread that forked exists: nobody holds the lock, whatever it says.
void worker_pool::start_afresh_after_fork() noexcept {
    new (&lock_) short_lock;
    first_ = last_ = nullptr;
    queued_ = idle_ = living_ = 0;
    new std::vector<std::thread>(std::move(threads_));  // not joinable here, so never destroyed
    threads_.clear();
    process_.store(this_process(), std::memory_order_relaxed);
}

/// Precondition: locked.
void worker_pool::start_thread() try {
    const all_signals_blocked scope;
    threads_.emplace_back([this, number = threads_.size()] { work(number); });
    ++living_;
} catch (const std::system_error&) {
    if (threads_.empty()) throw;  // else the job waits for those there are
}

void worker_pool::push_back(job& j) noexcept {
    j.next = nullptr;
    (first_ == nullptr ? first_ : last_->next) = &j;
    last_ = &j;
    ++queued_;
}

/// The next job, when there is one; null when the pool ends.
job* worker_pool::take() noexcept {
    std::unique_lock held(lock_);
    while (first_ == nullptr) {
        if (ending_) return nullptr;
        const std::uint32_t seen = news_.load();
        ++idle_;
        held.unlock();
        futex_wait(news_, seen);
        held.lock();
        --idle_;
    }
    job* const j = first_;
    first_ = j->next;
    --queued_;
    return j;
}

void worker_pool::work(std::size_t number) noexcept {
    constexpr std::size_t longest = 15;
    std::string suffix(1, '-');
    suffix += std::to_string(number);
    const std::string name = name_.substr(0, longest - suffix.size()) + suffix;
    ::prctl(PR_SET_NAME, name.c_str());
    while (job* const j = take()) j->run(*j);
    if (job* const last = leave()) last->run(*last);
}

/// This thread ends. What is left to do for the last one; else null.
job* worker_pool::leave() noexcept {
    const std::lock_guard held(lock_);
    return --living_ == 0 ? std::exchange(afterwards_, nullptr) : nullptr;
}

worker_pool& file_pool() {
    static auto& pool = *new worker_pool("brio-files", 8);
    return pool;
}

worker_pool& resolver_pool() {
    static auto& pool = *new worker_pool("brio-resolver", 32);
    return pool;
}

}  // namespace detail
}  // namespace brio::inline v0
