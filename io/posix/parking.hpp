#pragma once
// Fibers that wait for something at an address, and are woken by name: who changes what is there
// calls unpark(). For what only the layer's own hooks change; for the rest there is futex.hpp.
//
//   parked (linked) -> chosen, by unpark() on any thread -> arrived, on the loop's thread
//          (linked) -> left, by its deadline or its destructor
//
// 1. Whether a fiber is linked is decided under its bucket's lock, so a wake is taken by one fiber
//    that will run, or by none.
// 2. One that has been chosen is touched by a node in its loop's mailbox: it stays until that has come.
// 3. A waiter tries again after it has linked itself: who makes a change looks for waiters after it.

#include "scheduler/mailbox.hpp"
#include "scheduler/park.hpp"
#include "scheduler/timers.hpp"

#include <brio/detail/short_lock.hpp>

#include <atomic>
#include <optional>
#include <string>

namespace brio::inline v0::detail::posix {

class parked final : private private_wait {
public:
    /// Links `self`, which waits for what is at `address`. `what` names the wait in dumps.
    parked(fiber& self, const void* address, const char* what) noexcept;
    parked(const parked&) = delete;
    parked& operator=(const parked&) = delete;
    /// May suspend: until the wake that chose it has come.
    ~parked();

    /// Suspends until unpark() chooses this one: true. Not cut short by a cancel. False: `until` was
    /// first.
    bool wait(std::optional<time_point> until = {}) noexcept;

private:
    friend int unpark(const void* address, int most) noexcept;
    friend bool anyone_parked(const void* address) noexcept;
    struct bucket;
    struct limit;
    struct arrival final : ready_node {
        explicit arrival(parked& p) noexcept : ready_node(kind::bookkeeping, &come), self(p) {}
        static void come(ready_node& node, fate f);
        parked& self;
    };

    static bucket& bucket_of(const void* address) noexcept;
    void take_out() noexcept;
    bool leave() noexcept;
    void wait_for_arrival() noexcept;
    void arrive() noexcept;
    void wake_from_anywhere() noexcept;
    [[nodiscard]] std::string describe() const override { return what_; }

    const void* address_;
    const char* what_;
    bucket& bucket_;
    parked* next_ = nullptr;
    parked* previous_ = nullptr;
    bool linked_ = true;  // guarded by the bucket's lock, as next_ and previous_
    bool timed_out_ = false;
    limit* limit_ = nullptr;  // while it may be armed
    arrival arrival_{*this};
};

/// Any thread: wakes those who have waited longest at `address`, `most` at most. Returns how many.
int unpark(const void* address, int most) noexcept;
/// Any thread: false when nobody waits there. Not a fence.
[[nodiscard]] bool anyone_parked(const void* address) noexcept;

}  // namespace brio::inline v0::detail::posix
