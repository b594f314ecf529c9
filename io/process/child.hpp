#pragma once
// A child process from its start until it has been waited for: the loop watches its pidfd, whether
// anybody waits for it or not.
//
//   running -> ended      the pidfd became readable; waitid took the status
//           -> ended      the loop closes: killed, and waited for
//
// 1. The loop has exactly one operation in flight while the child runs. So there is never a zombie,
//    and the number never stands for another process while `returncode` is empty.
// 2. The record belongs to its handle, and to the loop while the child runs: who comes last deletes
//    it.
// 3. In a forked child of ours, which does not complete its parent's operations, nothing is killed.

#include "process/spawn.hpp"
#include "scheduler/reactor.hpp"

#include <brio/detail/ready_node.hpp>
#include <brio/future.hpp>
#include <brio/io/descriptor.hpp>

#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace brio::inline v0::detail {

class loop_core;

class child final : private ready_node {
public:
    struct leave {
        void operator()(child* c) const noexcept;
    };
    using handle = std::unique_ptr<child, leave>;

    /// Starts it, and watches it on the running loop. Throws as spawn(); usage_error without a loop.
    [[nodiscard]] static handle start(const std::vector<std::string>& arguments,
                                      const subprocess::options& how,
                                      const standard_streams& streams);

    [[nodiscard]] pid_t pid() const noexcept { return process_.pid; }
    /// Empty while it runs; the negative number of the signal that has killed it.
    [[nodiscard]] std::optional<int> returncode() const noexcept { return returncode_; }
    /// Suspends until it has ended. A cancel ends the wait, not the child.
    int wait();
    /// Throws std::system_error: ESRCH when it has ended.
    void send_signal(int number) const;

private:
    explicit child(loop_core& loop);
    ~child() = default;

    void watch();
    void look(fate f);
    [[nodiscard]] int try_signal(int number) const noexcept;
    [[nodiscard]] int take_status(siginfo_t& status, int flags) const noexcept;

    loop_core& loop_;  // lives as long as exited_
    spawned process_ = {};
    operation exit_;
    future<void> exited_;
    std::optional<int> returncode_;
    bool has_handle_ = true;
};

}  // namespace brio::inline v0::detail
