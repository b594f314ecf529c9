#pragma once
// Threads for what blocks and has no better way: name look-ups, and files under epoll.
//
// 1. A job runs once, on a thread of the pool, with all signals blocked and outside any loop.
// 2. Its memory is the pool's from submit() until run() has been called, and run() may free it.
// 3. A job that finds no idle thread gets a new one, up to the limit; beyond that jobs wait in
//    order. Threads stay until the pool ends.
// 4. A child of fork has none of the threads: the first submit() there starts afresh, and forgets
//    the parent's jobs.

#include "thread/futex.hpp"

#include <brio/version.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace brio::inline v0 {
namespace detail {

struct job {
    using runner = void (*)(job&) noexcept;

    explicit job(runner r) noexcept : run(r) {}
    job(const job&) = delete;
    job& operator=(const job&) = delete;

    runner run;
    job* next = nullptr;

protected:
    ~job() = default;
};

class worker_pool {
public:
    /// Debuggers show its threads as `name`-0, `name`-1, ... in 15 characters at most.
    worker_pool(std::string name, std::size_t most_threads);
    worker_pool(const worker_pool&) = delete;
    worker_pool& operator=(const worker_pool&) = delete;
    /// Runs what is queued, then ends the threads and waits for them. No submit() may come meanwhile.
    ~worker_pool();

    /// Any thread. Throws std::system_error when there is no thread and none can be made, usage_error
    /// behind end(); the job is the caller's then.
    void submit(job& j);
    [[nodiscard]] bool on_own_thread() noexcept;
    /// Any thread, once. The threads end when nothing is queued any more; the last one runs
    /// `afterwards`, and where there is none, this call does.
    void end(job& afterwards) noexcept;
    /// Any thread. True: `j` will not run and is the caller's again. False: it runs, or has run.
    [[nodiscard]] bool withdraw(job& j) noexcept;

private:
    void start_afresh_after_fork() noexcept;
    void start_thread();
    void push_back(job& j) noexcept;
    job* take() noexcept;
    void work(std::size_t number) noexcept;
    void stop_waiting() noexcept;
    job* leave() noexcept;

    const std::string name_;
    const std::size_t most_threads_;
    short_lock lock_;  // guards what follows, but for the atomics
    job* first_ = nullptr;
    job* last_ = nullptr;
    std::size_t queued_ = 0;
    std::size_t idle_ = 0;
    std::size_t living_ = 0;  // threads that may still take a job
    bool ending_ = false;
    job* afterwards_ = nullptr;
    std::vector<std::thread> threads_;
    std::atomic<std::uint32_t> news_{0};  // counts what idle threads have to look at
    std::atomic<int> process_;
};

/// The process's pools; never destroyed, since other threads' loops may outlive main(). Name
/// look-ups have their own: one that hangs for its 30 seconds shall not stop files.
[[nodiscard]] worker_pool& file_pool();
[[nodiscard]] worker_pool& resolver_pool();

}  // namespace detail
}  // namespace brio::inline v0
