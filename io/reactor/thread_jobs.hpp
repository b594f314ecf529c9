#pragma once
// Operations of the epoll reactor that block whatever one does: each is a job for the file threads.
//
// 1. A job works on a copy of the operation; the memory that it names stays the operation's. So the
//    operation completes only after the thread is done with it.
// 2. The thread pushes its job on `finished_` and rings the bell. After the push it touches nothing
//    but the mailbox, which it retains.

#include "scheduler/mailbox.hpp"
#include "scheduler/reactor.hpp"

#include <brio/version.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace brio::inline v0 {
namespace detail {

class thread_jobs {
public:
    explicit thread_jobs(mailbox& bell) noexcept;
    thread_jobs(const thread_jobs&) = delete;
    thread_jobs& operator=(const thread_jobs&) = delete;
    /// Precondition: empty().
    ~thread_jobs();

    /// Nothing is queued or at work.
    [[nodiscard]] bool empty() const noexcept { return jobs_.empty(); }
    [[nodiscard]] bool has_finished() const noexcept {
        return finished_.load(std::memory_order_relaxed) != nullptr;
    }
    /// Makes the call of `op` on a thread, but for the first `done` bytes of a transfer, which have
    /// been transferred. Throws std::system_error when no thread can be had.
    void start(operation& op, std::uint32_t done);
    /// True: no thread has begun with it, none will, and `result` is what it ends with.
    bool withdraw(const operation& op, int& result) noexcept;
    /// Calls f(operation) for each, which may withdraw that one.
    template <class F>
    void for_each(F&& f) {
        for (std::size_t i = jobs_.size(); i > 0; --i) f(target_of(*jobs_[i - 1]));
    }
    /// Calls finish(operation, result) for each that is done.
    template <class F>
    void collect(F&& finish) {
        if (!has_finished()) return;
        for (running* j = finished_.exchange(nullptr, std::memory_order_acquire); j != nullptr;) {
            operation& op = target_of(*j);
            const int result = result_of(*j);
            j = remove(*j);
            finish(op, result);
        }
    }
    /// In a child of fork: the threads are the parent's.
    void abandon() noexcept;

private:
    struct running;

    static operation& target_of(running& j) noexcept;
    static int result_of(const running& j) noexcept;
    std::size_t place_of(const operation& op) const noexcept;
    /// Deletes it and returns the next finished one.
    running* remove(running& j) noexcept;

    mailbox& bell_;
    std::vector<std::unique_ptr<running>> jobs_;
    std::atomic<running*> finished_{nullptr};
};

}  // namespace detail
}  // namespace brio::inline v0
