#pragma once
// The scheduler: the one loop. asyncio's _run_once, without a dispatcher between fibers.
//
// A turn:
//   1. collect what other threads posted, and interrupts. Nothing ready: run what waits for idleness, or
//      sleep in the reactor until the next deadline; else poll it. It appends finished I/O
//   2. append the timers that are due (when <= now, ties in order of arming)
//   3. append the marker; run everything up to it: what becomes ready meanwhile comes after
//
// Invariants:
// 1. While the loop runs, the marker is in the ready queue, or has just been taken out of it by the
//    code that now ends the turn. So the queue is never empty when a fiber suspends.
// 2. A fiber that suspends switches straight to the next fiber. Bookkeeping entries and the end of a
//    trivial turn (nothing to poll, no timer due, empty mailbox) are done on the suspending fiber's
//    stack; callbacks and every other end of a turn are handed back to the loop's own stack.
// 3. An eager first step returns to whoever created it, not to the queue.
// 4. `finished_` is the fiber that finished last; its stack is given back when the next one finishes
//    or is made: nobody can free the stack he runs on.
// 5. Loop thread only, but for the mailbox.
// 6. A guest (guest.hpp) is never switched to from here: its host does that.
// 7. A suspended fiber's stack pointer is in its slot of the ready queue where it has one, else in its
//    record. (So a yield touches no record: see ready_queue.hpp.)
// 8. Between turns the wake_descriptor tells of everything that a turn would find: leave_for_host() is
//    the last act of a run, and what the thread does to the loop meanwhile calls
//    touched_from_outside().
// 9. The loop's own stack polls and sleeps with the own_state of the fiber that came to it, so that one
//    fiber alone is as a thread of its own; callbacks run without it. `own_.own` is what it takes over.

#include "base/invariant.hpp"
#include "context/context.hpp"
#include "context/stack_pool.hpp"
#include "fiber/fiber.hpp"
#include "scheduler/mailbox.hpp"
#include "scheduler/reactor.hpp"
#include "scheduler/ready_queue.hpp"
#include "scheduler/timers.hpp"
#include "scheduler/wake_descriptor.hpp"

#include <brio/time.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>

namespace brio::inline v0 {
namespace detail {

/// Thrown out of run() on a virtual clock: nothing is ready, no timer is armed, no I/O is under way,
/// and no post is expected.
struct nothing_can_happen {};

struct scheduler_options {
    reactor_kind reactor = reactor_kind::automatic;
    stack_pool_options stacks = {};
    bool virtual_clock = false;
    bool announce_reactor = false;  // one line on stderr: which one, and why
};

class guest_host;

class scheduler {
public:
    explicit scheduler(const scheduler_options& options);
    scheduler(const scheduler&) = delete;
    scheduler& operator=(const scheduler&) = delete;
    ~scheduler();

    // ---- running
    /// asyncio's run_forever: turns until stop(). Precondition: the thread runs no loop.
    void run();
    /// One turn, which sleeps for `longest` at most. Likewise.
    void run_once(duration longest);
    /// The turn under way still ends (and one turn runs when none is under way).
    void stop() noexcept { stopping_ = true; }
    /// Drops what is queued or armed without running it.
    void close() noexcept;
    [[nodiscard]] bool running() const noexcept { return running_; }
    [[nodiscard]] bool closed() const noexcept { return closed_; }
    /// Whether the calling thread is the one this loop belongs to.
    [[nodiscard]] bool on_own_thread() const noexcept { return thread_ == this_thread_mark(); }

    // ---- the ready queue; on a closed loop an entry is dropped at once
    void append(ready_node& node) noexcept;
    void append(callback_list& list) noexcept;
    /// Likewise, behind what other threads have posted so far.
    void append_posted(ready_node& node) noexcept;

    // ---- fibers
    /// A new fiber that will call body(task); throws std::system_error when no stack can be had.
    fiber& create_fiber(task_core& task, fiber::main body, std::size_t stack_size);
    /// Its first step runs in the next turn.
    void start(fiber& f) noexcept {
        f.state = fiber::status::runnable;
        ready_.push_back(f, f.saved.stack_pointer);
    }
    /// Its first step runs now; returns at its first suspension or its end.
    void start_eagerly(fiber& f) noexcept;
    /// The running fiber lets everybody else who is ready run first.
    void yield() noexcept;
    /// The running fiber stops until wake(), or until its node has come off a callback list.
    void park() noexcept;
    /// Appends a parked fiber to the ready queue. Each park is woken exactly once.
    void wake(fiber& f) noexcept {
        invariant(f.state == fiber::status::parked, "a fiber that is not parked was woken");
        start(f);
    }
    /// Where the next suspension of `f` leads.
    void lead(fiber& f, fiber::way to) noexcept {
        f.leaves = to;
        if (&f == current_) leads_elsewhere_ = to != fiber::way::onward;
    }
    /// The one who may write fiber::cancel_pending.
    void set_cancel_pending(fiber& f, bool pending) noexcept {
        if (f.cancel_pending == pending) return;
        f.cancel_pending = pending;
        pending ? ++cancels_pending_ : --cancels_pending_;
    }
    /// What the running fiber has just changed of the thread is its own from now on: `own` keeps what was
    /// there before, and outlives the fiber's last step. Null: it has nothing of its own any more.
    void set_own_state(own_state* own) noexcept { current_->saved.own = cells_.own = own; }
    /// Whether any fiber has cancel_pending.
    [[nodiscard]] bool any_cancel_pending() const noexcept { return cancels_pending_ != 0; }
    /// Of a suspended fiber. Searches the ready queue.
    [[nodiscard]] void* stack_pointer_of(const fiber& f) const noexcept;
    /// Null on the loop's own stack.
    [[nodiscard]] fiber* current() const noexcept { return current_; }
    /// Exceptions in flight in the running fiber: above 0 while it unwinds.
    [[nodiscard]] unsigned uncaught_exceptions() const noexcept {
        return detail::uncaught_exceptions(cells_);
    }

    /// Those who run when nothing is ready, no timer is due and no I/O has completed: when the loop
    /// would sleep, or its virtual clock jump. Each is run once, on the loop's own stack.
    [[nodiscard]] callback_list& when_idle() noexcept { return when_idle_; }

    // ---- guests: guest.hpp
    void set_guest_host(guest_host* host) noexcept { guest_host_ = host; }
    [[nodiscard]] guest_host* current_guest_host() const noexcept { return guest_host_; }
    /// For the host, which is just switching stacks: from the running fiber to `next`.
    void hand_over(fiber& next) noexcept;

    // ---- time
    /// A fresh reading; never a cached one.
    [[nodiscard]] time_point now() const noexcept;
    [[nodiscard]] bool virtual_clock() const noexcept { return virtual_clock_; }
    void arm(timer& t, time_point when) { timers_.arm(t, when); }
    void disarm(timer& t) noexcept { timers_.disarm(t); }

    // ---- the outside
    /// Made at first use, on the loop's thread; a named one by make_named_reactor().
    [[nodiscard]] reactor& io();
    /// Throws where the one that the options or BRIO_REACTOR name is not to be had.
    void make_named_reactor();
    [[nodiscard]] bool has_reactor() const noexcept { return reactor_ != nullptr; }
    /// Before descriptor `fd` is closed or replaced: reactor::forget.
    void forget_descriptor(int fd) noexcept {
        if (reactor_ != nullptr) reactor_->forget(fd);
    }
    [[nodiscard]] const std::string& reactor_reason() const noexcept { return reactor_reason_; }
    /// Replaces the reactor of a loop that has none yet: for tests.
    void use_reactor(std::unique_ptr<reactor> made) noexcept { reactor_ = std::move(made); }
    [[nodiscard]] mailbox& box() noexcept { return *mailbox_; }
    /// Another thread will post: a virtual clock waits for that, as for I/O.
    void expect_post() noexcept { ++expected_posts_; }
    void expected_post_came() noexcept { --expected_posts_; }
    /// A descriptor that polls readable when run_once() has something to do. Made at the first call;
    /// throws std::system_error. Precondition: not on a virtual clock.
    [[nodiscard]] int descriptor_for_host();
    /// The loop's own thread does something to the loop outside its turns: the host must hear of it.
    void touched_from_outside() noexcept {
        if (!running_ && wake_descriptor_ != nullptr) wake_descriptor_->wake_at_once();
    }
    /// Called on the loop's stack at the start of a turn after mailbox::interrupt().
    void on_interrupt(void (*handler)(void*, unsigned), void* argument) noexcept {
        interrupt_handler_ = handler;
        interrupt_argument_ = argument;
    }

    /// `watch` is called in place of what would run an entry, and calls run_watched() for it: no
    /// fiber then switches to another past the loop's own stack. Null: nobody watches.
    void watch_steps(void (*watch)(scheduler&, ready_node&)) noexcept;
    void run_watched(ready_node& node);

    [[nodiscard]] stack_pool& stacks() noexcept { return stacks_; }
    [[nodiscard]] const stack_pool& stacks() const noexcept { return stacks_; }
    [[nodiscard]] std::uint64_t turns() const noexcept { return turns_; }

private:
    struct marker_node : ready_node {
        marker_node() noexcept : ready_node(kind::marker, nullptr) {}
    };

    class running_scope;

    static void fiber_main(void* self) noexcept;
    [[noreturn]] void finish(fiber& self) noexcept;
    static const void* this_thread_mark() noexcept;

    // The two halves of the loop: a suspending fiber's and the loop's own.
    void yield_otherwise() noexcept;
    void yield_slowly() noexcept;
    void park_slowly() noexcept;
    void change(fiber& self, void*& save, const ready_queue::slot& next) noexcept;
    void change_slowly(fiber& self, void*& save, const ready_queue::slot& next) noexcept;
    void change_to_creator(fiber& self, void*& save) noexcept;
    [[nodiscard]] void*& own_slot(const fiber& self) noexcept;
    [[nodiscard]] bool next_is_at_hand(bool turn_ends) const noexcept;
    ready_queue::slot take_next(bool turn_ends) noexcept;
    ready_queue::slot next_fiber() noexcept;
    void prefetch() const noexcept;
    void set_current(fiber* f) noexcept {
        current_ = f;
        leads_elsewhere_ = f != nullptr && f->leaves != fiber::way::onward;
    }
    [[nodiscard]] bool turn_is_clearly_trivial() const noexcept;
    [[nodiscard]] bool turn_is_trivial() const noexcept;
    void enter(fiber& f) noexcept;
    void run_node(ready_node& node);
    void come_back_from(fiber& f) noexcept;
    void run_turns();
    void begin_turn(duration longest_sleep = duration::max());
    void wait_for_something(duration longest);
    void run_when_idle();
    void sleep_until_something(duration longest);
    void leave_for_host() noexcept;
    [[nodiscard]] time_point next_deadline() const noexcept;  // never earlier than a virtual now
    void append_due_timers() noexcept;
    void drop_ready() noexcept;
    void reap() noexcept;
    void give_back(fiber& f) noexcept;
    void inherit(fiber& child);

    // Hot: together on as few lines as possible.
    ready_queue ready_;
    fiber* current_ = nullptr;
    thread_cells cells_;
    mailbox* mailbox_;
    std::size_t cancels_pending_ = 0;
    bool leads_elsewhere_ = false;  // the running fiber's next suspension: not onward
    bool stopping_ = false;
    bool running_ = false;
    bool closed_ = false;
    const bool virtual_clock_;
    timer_heap timers_;
    std::unique_ptr<reactor> reactor_;
    std::uint64_t turns_ = 0;
    fiber* finished_ = nullptr;
    ready_node* handed_back_ = nullptr;
    marker_node marker_;
    machine_context own_;  // the loop's own stack, while a fiber runs

    stack_pool stacks_;
    callback_list when_idle_;
    time_point virtual_now_{};
    const void* thread_;
    reactor_kind reactor_kind_;
    std::string reactor_reason_;
    const bool announce_reactor_;
    void (*interrupt_handler_)(void*, unsigned) = nullptr;
    void* interrupt_argument_ = nullptr;
    guest_host* guest_host_ = nullptr;
    void (*watch_)(scheduler&, ready_node&) = nullptr;
    std::size_t expected_posts_ = 0;
    std::unique_ptr<wake_descriptor> wake_descriptor_;  // null until somebody asks for it
};

/// now + length, saturating.
[[nodiscard]] inline time_point after(time_point now, duration length) noexcept {
    if (length > time_point::max() - now) return time_point::max();
    return now + length;
}

/// Read through this_scheduler(). A plain load: no fiber ever changes its thread.
extern constinit thread_local scheduler* running_scheduler [[gnu::tls_model("initial-exec")]];

/// The loop that runs on this thread; null when none does.
[[nodiscard]] inline scheduler* this_scheduler() noexcept {
    return running_scheduler;
}
/// The running fiber; null outside fibers.
[[nodiscard]] inline fiber* this_fiber() noexcept {
    return running_scheduler == nullptr ? nullptr : running_scheduler->current();
}

}  // namespace detail
}  // namespace brio::inline v0
