#pragma once
// The io_uring reactor: each operation is one entry, each completion wakes one fiber.
//
// 1. The user_data of an entry is the address of its operation; that of a cancel is the same with
//    bit 0 set. An operation counts as completed when the kernel has answered both it and the
//    cancel of it: so no answer finds a dead operation, or another one at the same address.
// 2. What finds no place in the queue waits in `backlog_`, in order. While that is not empty,
//    everything goes there: a cancel never overtakes the operation it is for, nor falls behind a
//    later one at the same address.
// 3. A cancel that does not find its operation is repeated until the operation has been answered: the
//    kernel may just be moving it from one place to another.
// 4. Operations complete in wait(), which settle() calls, and in the destructor only. Submitting may enter the kernel (to make room), on any
//    stack, but collects nothing.
// 5. The bell: the ring holds a FUTEX_WAIT on the mailbox's word, or a POLL_ADD on its eventfd.
//    `rung_` is the value it expects there: read when the last ring was collected, 0 at first. So a
//    ring that comes before the kernel has the entry is not lost: the value differs.
// 6. For a host loop the ring adds to an eventfd. settle() empties that before it collects: what
//    completes later is told, the bell's entry among it.

#include "reactor/operation_list.hpp"
#include "reactor/uring_ring.hpp"
#include "scheduler/mailbox.hpp"
#include "scheduler/reactor.hpp"

#include <brio/time.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace brio::inline v0 {
namespace detail {

class uring final : public reactor {
public:
    /// Precondition: the calling thread will run the loop. Throws std::system_error.
    uring(mailbox& bell, const ring_features& wanted);
    ~uring() override;

    [[nodiscard]] std::string_view name() const noexcept override { return "io_uring"; }
    [[nodiscard]] bool waits_on_futexes() const noexcept override { return ring_.features().futex; }
    void submit(operation& op) override;
    void cancel(operation& op) noexcept override;
    void forget(int fd) noexcept override;
    [[nodiscard]] bool has_work() const noexcept override {
        return ring_.has_queued() || ring_.has_completions() || ring_.kernel_has_more() ||
               !backlog_.empty();
    }
    void wait(duration timeout) override;
    [[nodiscard]] int descriptor() override;
    [[nodiscard]] duration settle() noexcept override;

    [[nodiscard]] const ring_features& features() const noexcept { return ring_.features(); }

private:
    io_uring_sqe* entry() noexcept;
    bool queue_operation(operation& op) noexcept;
    bool queue_cancel(operation& op) noexcept;
    void queue_backlog() noexcept;
    void send_cancel(operation& op) noexcept;
    void repeat_cancels(duration& timeout) noexcept;
    void arm_bell() noexcept;
    void enter(duration timeout) noexcept;
    void collect() noexcept;
    void take(std::uint64_t data, std::int32_t result) noexcept;
    void operation_answered(operation& op, std::int32_t result) noexcept;
    void cancel_answered(operation& op, std::int32_t result) noexcept;
    void bell_answered() noexcept;
    void complete(operation& op) noexcept;
    void cancel_everything() noexcept;

    uring_ring ring_;
    operation_list backlog_;
    operation_list stubborn_;  // have been cancelled in vain; asked again at repeat_at_
    std::chrono::steady_clock::time_point repeat_at_{};
    mailbox& bell_;
    std::uint32_t rung_ = 0;
    bool bell_armed_ = false;
    int bell_descriptor_ = -1;   // -1: the futex word
    int event_descriptor_ = -1;  // tells a host loop of completions; -1 until asked for
    int process_;
};

}  // namespace detail
}  // namespace brio::inline v0
