#pragma once
// Those who wait for a lock, an event, an item, ..., in the order in which they came: asyncio's deque
// of futures. The public half; how one waits is in lib/sync/waiter.hpp.
//
// 1. A waiter is in the list from when it begins to wait until its fiber runs again: one that has
//    been woken or cancelled keeps its place until then.
// 2. Whoever stands before `next_to_wake_` has been woken or cancelled. So waking is O(1).
// 3. The first who waits binds the list to his loop, for good.

#include <brio/fwd.hpp>

namespace brio::inline v0::detail {

class mailbox;
class waiter;

class waiter_list {
public:
    /// `what` is waited for, in dumps: "lock". A literal.
    explicit constexpr waiter_list(const char* what) noexcept : what_(what) {}
    waiter_list(const waiter_list&) = delete;
    waiter_list& operator=(const waiter_list&) = delete;
    /// Aborts when somebody is in the list, unless the loop has been closed over him.
    ~waiter_list() {
        if (bound_to_ != nullptr) unbind();
    }

    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    /// False: a wake-up would reach nobody.
    [[nodiscard]] bool may_wake() const noexcept { return next_to_wake_ != nullptr; }
    /// asyncio's any(not w.cancelled() for w in waiters).
    [[nodiscard]] bool has_live() const noexcept;
    [[nodiscard]] const char* what() const noexcept { return what_; }

    /// Before waiting: the running fiber. usage_error, naming `call`, where there is none, and on
    /// another loop than the one that the list is bound to.
    [[nodiscard]] fiber& bind(const char* call);
    /// Before waking: usage_error, naming `call`, on another thread than the loop's.
    void require_right_thread(const char* call);

    /// False when nobody was left.
    bool wake_next() noexcept;
    /// Not his successors: nobody is woken when the first has been already.
    void wake_first() noexcept;
    void wake_all() noexcept {
        while (wake_next()) continue;
    }

private:
    friend class waiter;
    /// Not bound to `box` so far: binds the list, or throws what bind() throws for another loop.
    void bind_first(const char* call, mailbox& box);
    void push_back(waiter& w) noexcept;
    void remove(waiter& w) noexcept;
    void unbind() noexcept;

    waiter* first_ = nullptr;
    waiter* last_ = nullptr;
    waiter* next_to_wake_ = nullptr;
    mailbox* bound_to_ = nullptr;  // counted, so that no later loop has the same
    const char* what_;
};

}  // namespace brio::inline v0::detail
