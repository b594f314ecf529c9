#pragma once
// How a loop hears of the end of a concurrent_core, which another thread may bring about.
//
// 1. The owner, on the loop's thread, makes one, and calls dismiss() exactly once: before `heard` has
//    been called, in it, or after.
// 2. `heard(who)` is called on the loop's own stack, at most once, and not behind dismiss().
// 3. Two hold it: the owner until dismiss(), and whoever brings the news: core, mailbox, ready queue.
//    So a thread that comes when the loop has closed touches nothing of the loop's.
// 4. A certain one is expected by the scheduler until it is heard or dismissed: a virtual clock waits
//    for it. For what may never come, as a cancel, it does not.

#include "scheduler/mailbox.hpp"
#include "scheduler/scheduler.hpp"

#include <brio/detail/concurrent_core.hpp>
#include <brio/detail/ready_node.hpp>

#include <atomic>

namespace brio::inline v0 {
namespace detail {

class end_notice final : public concurrent_core::listener, public ready_node {
public:
    using hearer = void (*)(void* who);
    enum class prospect : bool { certain, possible };

    /// Null when the core has ended already. The owner keeps the core alive until it dismisses.
    [[nodiscard]] static end_notice* order(concurrent_core& core, scheduler& loop, hearer heard,
                                           void* who, prospect p = prospect::certain);
    void dismiss() noexcept;

private:
    end_notice(concurrent_core& core, scheduler& loop, hearer heard, void* who,
               prospect p) noexcept;
    ~end_notice();

    void ended() noexcept override;
    static void arrive(ready_node& node, fate what);
    [[nodiscard]] void* take_who() noexcept;
    void release() noexcept;

    concurrent_core& core_;
    scheduler& loop_;  // loop thread
    mailbox& box_;
    const hearer heard_;
    void* who_;  // loop thread; null when it was heard or dismissed
    const prospect prospect_;
    std::atomic<int> references_{2};
};

}  // namespace detail
}  // namespace brio::inline v0
