#pragma once
// Boost's scheduler of a thread as a guest of the thread's loop. Boost asks its algorithm who is next
// each time one of its fibers suspends; this one also tells Brio, and waits in the loop where Boost
// would block the thread.
//
//   Boost's context    its record
//   main               the fiber that entered: a guest until it leaves
//   a fiber's          a guest, made at its first turn
//   the dispatcher     `dispatcher_`: an ordinary fiber of the loop, on a stack that Boost made. While a
//                      Boost fiber runs, it waits in Boost's queue; else in the loop
//
// 1. While one of Boost's contexts runs, the loop's current() is its record. Boost switches only after
//    pick_next(), but for launch::dispatch, where awakened() of the one that launched comes next.
// 2. A round: everybody in Boost's queue, the dispatcher last. Then everybody in the loop's, once:
//    pick_next() says "nobody" to the dispatcher, and its suspend_until() yields. So both sides go on.
// 3. `idle_`: the dispatcher is parked. Whoever makes a Boost fiber ready wakes it.
// 4. Exceptions and errno belong to the context: exchanged here, unless Boost does (from 1.88 on).
// 5. Loop thread only, but for notify(). One for each thread, which lives as long as the thread.

#include "bridge/guest.hpp"
#include "scheduler/park.hpp"

#include <brio/detail/short_lock.hpp>

#include <boost/fiber/algo/algorithm.hpp>
#include <boost/fiber/scheduler.hpp>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace brio::inline v0::detail {

class loop_algorithm final : public boost::fibers::algo::algorithm,
                             private guest_host,
                             private wait_hook {
public:
    using context = boost::fibers::context;

    [[nodiscard]] static loop_algorithm& of_this_thread();

    [[nodiscard]] bool hosted() const noexcept { return loop_ != nullptr; }
    /// The running fiber becomes Boost's main context. Preconditions: not hosted; Boost's main
    /// context is the active one.
    void enter(fiber& main);
    /// Suspends until the last Boost fiber has ended, then gives the thread back to Boost.
    void leave() noexcept;

    void awakened(context* woken) noexcept override;
    context* pick_next() noexcept override;
    bool has_ready_fibers() const noexcept override { return !ready_.empty(); }
    void suspend_until(const std::chrono::steady_clock::time_point& when) noexcept override;
    /// Any thread.
    void notify() noexcept override;

private:
    /// What wakes the dispatcher from the loop's queue: its timer, and the note from other threads.
    struct caller final : timer {
        caller(loop_algorithm& a, runner r) noexcept : timer(kind::bookkeeping, r), algorithm(a) {}
        loop_algorithm& algorithm;
    };
    loop_algorithm() = default;
    static void on_alarm(ready_node& node, ready_node::fate what);
    static void on_note(ready_node& node, ready_node::fate what);

    void suspend() noexcept override;
    void resume(fiber& guest) noexcept override;
    bool abort(std::string_view) noexcept override { return false; }
    [[nodiscard]] std::string describe() const override { return "Boost fibers"; }

    [[nodiscard]] fiber& record_of(context& c);
    void make_ready(context& c) noexcept;
    void wake_dispatcher() noexcept;
    void change(context& leaving, context& next) noexcept;
    void hand_over(fiber& next) noexcept;
    [[nodiscard]] kept_cells& kept_of(fiber& record) noexcept;
    void wait_for_guests() noexcept;

    boost::fibers::scheduler::ready_queue_type ready_;
    loop_core* loop_ = nullptr;
    context* main_context_ = nullptr;
    fiber* main_ = nullptr;
    std::optional<fiber> dispatcher_;
    thread_cells cells_;
    kept_cells main_cells_;
    kept_cells dispatcher_cells_;
    bool round_over_ = false;
    bool idle_ = false;
    caller alarm_{*this, &on_alarm};

    std::size_t guests_ = 0;              // that have not ended
    private_wait* last_guest_ = nullptr;  // finished when there is none left

    short_lock lock_;  // guards what follows
    mailbox* box_ = nullptr;
    bool noted_ = false;  // `note_` is in the mailbox, or in the ready queue
    caller note_{*this, &on_note};
};

}  // namespace brio::inline v0::detail
