#pragma once
// A call that blocks, made on a thread of a pool while the calling fiber is suspended.
//
// 1. The work owns what it reads and writes: a cancel ends the wait at once, and the work goes on
//    without anybody. Who defers cancels meanwhile (io/file/file_thread.hpp) may lend it his stack.
//    Likewise where an interrupt ends it (wait_hook::interrupt), for those who ask for that.
// 2. It belongs to the fiber that waits, to nobody when that has ended early. Who comes last deletes it: the
//    fiber, or the loop when the thread is done (also a loop that closes), or the thread when the
//    loop has closed. All but the last happen on the loop's thread, so there is no count.

#include "scheduler/mailbox.hpp"
#include "scheduler/park.hpp"
#include "thread/worker_pool.hpp"

#include <brio/detail/ready_node.hpp>

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace brio::inline v0 {
namespace detail {

class blocking_call : public job, public ready_node {
public:
    virtual ~blocking_call();

    enum class ends : bool { when_done, when_interrupted };

    /// Runs work() on a thread of `pool`. Returns when it is done, or is to end and was interrupted:
    /// `call` is null then. **Suspends** always. **Cancellation**: throws cancelled_error at once; the
    /// call is then deleted when the work is over. **Throws** std::system_error when there is no
    /// thread, usage_error outside fibers.
    static void make(worker_pool& pool, const char* what, std::unique_ptr<blocking_call>& call,
                     ends when);

protected:
    blocking_call() noexcept;

private:
    class thread_wait;

    /// On a thread of the pool.
    virtual void work() noexcept = 0;

    static void run_job(job& j) noexcept;
    static void arrive(ready_node& node, fate f);

    mailbox* box_ = nullptr;          // of the loop that waits; retained until the job is done
    thread_wait* waiting_ = nullptr;  // loop thread; null when nobody waits any more
};

/// Calls `work` on a thread of `pool` and returns it, with what it has found; none where it was
/// interrupted. `what` names it in dumps. See blocking_call::make.
template <class Work>
requires std::is_nothrow_invocable_v<Work&> std::optional<Work> run_until_interrupted(
    worker_pool& pool, const char* what, Work work,
    blocking_call::ends when = blocking_call::ends::when_interrupted) {
    struct holder final : blocking_call {
        explicit holder(Work&& w) : held(std::move(w)) {}
        void work() noexcept override { held(); }
        Work held;
    };
    std::unique_ptr<blocking_call> call(new holder(std::move(work)));
    blocking_call::make(pool, what, call, when);
    if (call == nullptr) return {};
    return std::move(static_cast<holder&>(*call).held);
}
/// Likewise, to its end.
template <class Work>
requires std::is_nothrow_invocable_v<Work&> Work run_in(worker_pool& pool, const char* what,
                                                        Work work) {
    return *run_until_interrupted(pool, what, std::move(work), blocking_call::ends::when_done);
}

}  // namespace detail
}  // namespace brio::inline v0
