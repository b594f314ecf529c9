#pragma once
// The epoll reactor: readiness turned into completions.
//
// An operation is tried at once, without blocking. What would block waits in a watch of its
// descriptor; when an event comes, it is tried again. What epoll does not know (regular files) and
// what has no non-blocking form (openat, fsync, ...) goes to a thread.
//
// An operation is in one place, which its `state` names, until wait() completes it:
//   submit -> done                          tried, and it did not block
//          -> watched -> done               an event, or a cancel
//          -> repeated -> done              as watched, where no event tells
//          -> in a thread -> done           the thread is done; a cancel before it began
//   done -> completed                       wait()
//
// A child of fork must not touch the epoll instance, which it shares with its parent.

#include "reactor/operation_list.hpp"
#include "reactor/thread_jobs.hpp"
#include "reactor/watch_table.hpp"
#include "scheduler/mailbox.hpp"
#include "scheduler/reactor.hpp"

#include <brio/time.hpp>

#include <cstddef>
#include <cstdint>

namespace brio::inline v0 {
namespace detail {

class epoll final : public reactor {
public:
    /// Throws std::system_error.
    explicit epoll(mailbox& bell);
    ~epoll() override;

    [[nodiscard]] std::string_view name() const noexcept override { return "epoll"; }
    void submit(operation& op) override;
    void cancel(operation& op) noexcept override;
    void forget(int fd) noexcept override;
    /// The kernel does not tell through memory, so an operation that waits for an event is work.
    [[nodiscard]] bool has_work() const noexcept override {
        return watched_ > 0 || !done_.empty() || !repeated_.empty() || jobs_.has_finished();
    }
    void wait(duration timeout) override;
    [[nodiscard]] int descriptor() override { return watches_.descriptor(); }
    [[nodiscard]] duration settle() noexcept override;

private:
    void submit_connect(operation& op);
    void submit_close(operation& op);
    void submit_other(operation& op);
    void wait_for_events(operation& op);
    void give_to_thread(operation& op, std::uint32_t done_bytes = 0);
    void finish(operation& op, int result) noexcept;
    void leave_watch(operation& op) noexcept;

    bool complete_done() noexcept;
    void repeat() noexcept;
    void serve_events(duration timeout, bool before_sleep) noexcept;
    void serve(watch& w, std::uint32_t events) noexcept;
    void serve_bell() noexcept;
    void cancel_everything() noexcept;

    mailbox& bell_;
    const int bell_descriptor_;
    const int process_;
    watch_table watches_;
    thread_jobs jobs_;
    operation_list done_;
    operation_list repeated_;
    std::size_t watched_ = 0;  // operations in watches
};

}  // namespace detail
}  // namespace brio::inline v0
