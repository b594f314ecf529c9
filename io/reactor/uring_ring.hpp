#pragma once
// One io_uring: set up by raw system call, its two queues, and the way into the kernel. Knows
// entries, not operations.
//
// 1. `queued_` counts the entries that are written and not yet taken by the kernel. The kernel
//    copies an entry when it takes it, so the slot is free again at once.
// 2. With registered_ring_only the ring has no descriptor number: it is reached by its index among
//    the thread's (at most 16) registered rings, and its memory is ours.
// 3. The thread that made it enters it (SINGLE_ISSUER) and destroys it.
// 4. A child of fork has neither the ring nor its memory (MADV_DONTFORK).

#include "reactor/uring_abi.hpp"
#include "reactor/uring_probe.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace brio::inline v0 {
namespace detail {

class uring_ring {
public:
    /// **Throws** std::system_error with the kernel's answer.
    uring_ring(unsigned entries, unsigned completions, const ring_features& wanted);
    uring_ring(const uring_ring&) = delete;
    uring_ring& operator=(const uring_ring&) = delete;
    ~uring_ring();

    /// Those of the wanted features that the kernel has.
    [[nodiscard]] const ring_features& features() const noexcept { return used_; }

    /// A slot for one more entry, which the caller fills; null when the queue is full.
    [[nodiscard]] io_uring_sqe* next_entry() noexcept {
        if (queued_ == entries_) return nullptr;
        ++queued_;
        return &sqes_[tail_++ & (entries_ - 1)];
    }
    [[nodiscard]] bool has_queued() const noexcept { return queued_ != 0; }
    /// Whether an entry for descriptor `fd` has not been handed over.
    [[nodiscard]] bool has_queued_for(int fd) const noexcept {
        for (unsigned i = tail_ - queued_; i != tail_; ++i)
            if (sqes_[i & (entries_ - 1)].fd == fd) return true;
        return false;
    }
    [[nodiscard]] bool has_completions() const noexcept {
        return head_ != std::atomic_ref(*cq_tail_).load(std::memory_order_acquire);
    }
    /// Completions wait inside the kernel: behind task work, or because the queue is full.
    [[nodiscard]] bool kernel_has_more() const noexcept {
        return (std::atomic_ref(*sq_flags_).load(std::memory_order_relaxed) &
                (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
    }

    /// Hands over what is queued, as far as the kernel takes it. Delivers no completion.
    void submit() noexcept;
    /// Hands over what is queued and has the kernel deliver what it has.
    void submit_and_poll() noexcept;
    /// The same, and sleeps until there is a completion, a signal, or `limit` is over (null: no
    /// limit). Does not sleep when the kernel could not take everything.
    void submit_and_sleep(const __kernel_timespec* limit) noexcept;

    /// Calls take(user_data, result) for each completion.
    template <class F>
    void collect(F&& take) {
        const unsigned tail = std::atomic_ref(*cq_tail_).load(std::memory_order_acquire);
        while (head_ != tail) {
            // With thousands in flight each is a cache miss; the user_data of entries behind the
            // tail is stale, which a prefetch does not mind.
            __builtin_prefetch(
                reinterpret_cast<const void*>(cqes_[(head_ + 4) & cq_mask_].user_data), 1);
            const io_uring_cqe& c = cqes_[head_++ & cq_mask_];
            take(c.user_data, c.res);
        }
        std::atomic_ref(*cq_head_).store(head_, std::memory_order_release);
    }

    /// The kernel adds to this eventfd when it has completions to deliver. 0 or an errno.
    [[nodiscard]] int register_eventfd(int fd) noexcept;
    void unregister_eventfd() noexcept;

    /// In a child of fork: the ring is the parent's; the destructor will leave it alone.
    void abandon() noexcept;

private:
    uring_ring() noexcept = default;  // so that the destructor cleans up after a failed set-up
    io_uring_params set_up(unsigned entries, unsigned completions, const ring_features& wanted);
    int try_set_up(io_uring_params& p, unsigned entries);
    void provide_memory(io_uring_params& p);
    void map_memory(const io_uring_params& p);
    void find_queues(const io_uring_params& p) noexcept;
    void register_descriptor() noexcept;
    [[nodiscard]] bool knows_opcode(std::uint8_t opcode) const noexcept;
    /// What the call returns, or -errno.
    long call_register(unsigned opcode, void* argument, unsigned count) const noexcept;
    void enter(unsigned least, unsigned flags, const void* argument, std::size_t size) noexcept;
    void release_memory() noexcept;

    // Hot.
    io_uring_sqe* sqes_ = nullptr;
    io_uring_cqe* cqes_ = nullptr;
    unsigned* sq_tail_ = nullptr;
    unsigned* sq_flags_ = nullptr;
    unsigned* cq_head_ = nullptr;
    unsigned* cq_tail_ = nullptr;
    unsigned entries_ = 0;
    unsigned cq_mask_ = 0;
    unsigned queued_ = 0;
    unsigned tail_ = 0;         // of the submission queue, entries not yet published included
    unsigned head_ = 0;         // of the completion queue
    int handle_ = -1;           // for enter: an index or the descriptor, as enter_flags_ says
    unsigned enter_flags_ = 0;  // in every enter
    unsigned sleep_flags_ = 0;  // in every enter that may sleep

    int descriptor_ = -1;  // -1: registered only
    ring_features used_ = {};
    void* rings_ = nullptr;
    std::size_t rings_size_ = 0;
    std::size_t sqes_size_ = 0;
};

}  // namespace detail
}  // namespace brio::inline v0
