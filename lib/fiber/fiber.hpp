#pragma once
// The fiber record. It lies at the top of its own stack, so that a parked fiber costs one page, and
// dies with it; what outlives the fiber (result, name) is the task's.
//
// States, and who moves a fiber between them:
//   created  -> runnable  scheduler::start: it is in the ready queue
//   runnable              it runs, or waits in the ready queue (scheduler::yield): that changes nothing
//                         in the record, and scheduler::current() tells
//   runnable -> parked    park()
//   parked   -> runnable  scheduler::wake; or scheduler::append of the list of a future that is done
//   runnable -> finished  the end of its body; the next one to run gives the stack back
//
// Cancellation (asyncio's Task, seen from the fiber):
// 1. `cancel_pending` is asyncio's _must_cancel: a request that no suspension has delivered yet.
// 2. A parked fiber is cancellable unless it parked while a cancel was deferred: inside
//    defer_cancel, or in a destructor that runs during unwinding.
// 3. `waiting_for` is asyncio's _fut_waiter: it stays set until the fiber runs again.

#include "context/context.hpp"
#include "context/stack_pool.hpp"

#include <brio/detail/ready_node.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace brio::inline v0 {
namespace detail {

class scheduler;
class future_core;
class task_core;
struct fiber;

/// What a parked fiber waits for, and how to stop it.
class wait_hook {
public:
    wait_hook() = default;
    wait_hook(const wait_hook&) = delete;
    wait_hook& operator=(const wait_hook&) = delete;

    /// Called by the canceller. True: stopped, the fiber has been made ready (or will be, by what it
    /// waits for) and the request is used up. False: the wake-up is on its way already, or the
    /// kernel still owns a buffer: the completion will come, the request stays pending.
    /// A `message` with a null data() is asyncio's None.
    virtual bool abort(std::string_view message) noexcept = 0;
    /// Ends the wait as a signal ends a system call, where there is somebody to tell (fiber::interrupted):
    /// no request of a cancel is involved.
    virtual void interrupt() noexcept {}
    /// The future whose end is waited for; null where it is something else. Lets a cancel go down a
    /// chain of tasks in a loop: the chain may be deeper than a stack.
    [[nodiscard]] virtual future_core* awaits() const noexcept { return nullptr; }
    /// For dumps: "sleep", "recv of descriptor 5", ...
    [[nodiscard]] virtual std::string describe() const = 0;

protected:
    ~wait_hook() = default;
};

/// What C functions keep for the fiber between its calls, where libc has static memory or the thread's.
class libc_state {
public:
    libc_state() = default;
    libc_state(const libc_state&) = delete;
    libc_state& operator=(const libc_state&) = delete;
    virtual ~libc_state() = default;
    /// The running fiber has this one, and makes `child`: a thread inherits, too. May throw
    /// std::bad_alloc.
    virtual void inherit_to(fiber& child) const = 0;
};

struct fiber : ready_node {
    enum class status : std::uint8_t { created, runnable, parked, finished };
    /// Where its next suspension leads.
    enum class way : std::uint8_t {
        onward,      // to the next one that is ready
        to_creator,  // it is in an eager first step, or its step is watched: `creator` is set
        by_host,     // it is a guest: its guest_host switches the stacks
    };

    using main = void (*)(task_core&) noexcept;

    fiber(scheduler& s, task_core& t, main b, const stack& m) noexcept
        : ready_node(kind::fiber, nullptr),
          owner(s),
          task(&t),
          body(b),
          memory{m.limit, m.top, m.size} {}

    // Hot: with ready_node, the first cache line. `state` to `deferred` lie in its tail padding.
    status state = status::created;
    way leaves = way::onward;     // written by scheduler::lead
    bool cancel_pending = false;  // written by scheduler::set_cancel_pending
    bool cancellable = false;     // valid while parked
    std::uint16_t deferred = 0;   // nested defer_cancel scopes
    machine_context saved;        // its stack pointer is not valid while the ready queue has it

    scheduler& owner;
    task_core* task;
    wait_hook* waiting_for = nullptr;
    bool cancel_told_to_c = false;  // a libc call has failed with ECANCELED for the pending request
    bool passthrough = false;       // libc's own behaviour, asked for by passthrough_scope
    bool interrupted = false;       // what it waits for is to answer EINTR; reset by who set it
    bool has_to_jump = false;       // a handler has jumped to it, out of its wait in C
    bool has_waited_in_c = false;   // in the libc layer, which has given it what is its own there

    /// While an eager first step or a watched one runs: its suspension goes back here.
    machine_context* creator = nullptr;
    fiber* creating_fiber = nullptr;  // null when the creator is the loop

    main body;
    stack memory;
    std::optional<std::string>
        cancel_message;                // of the latest pending request; kept when delivered
    std::unique_ptr<libc_state> libc;  // the libc layer's; null until it needs it
};

/// A view with a null data() is None.
inline std::optional<std::string> owned_message(std::string_view message) {
    if (message.data() == nullptr) return std::nullopt;
    return std::string(message);
}
inline std::string_view message_view(const std::optional<std::string>& message) noexcept {
    return message ? std::string_view(*message) : std::string_view();
}

}  // namespace detail
}  // namespace brio::inline v0
