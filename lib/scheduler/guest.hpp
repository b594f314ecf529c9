#pragma once
// Guests: fibers whose stacks another library switches (lib/bridge). A guest has a record, so it parks,
// is woken and is cancelled as every fiber; only the switch is its host's affair.
//
// 1. A guest that suspends calls guest_host::suspend(). Its node is `bookkeeping`: where the turn of
//    another fiber would lead to a switch, a guest's leads to guest_host::resume(). So its slot in the
//    ready queue has no stack pointer, nor has its record.
// 2. While a guest runs, scheduler::current() is its record: the host calls scheduler::hand_over() at
//    each of its switches.
// 3. A loop has one host at most.
// 4. What its stack is, and how much of it is in use, only the host could say.

#include "fiber/fiber.hpp"
#include "scheduler/scheduler.hpp"

namespace brio::inline v0::detail {

class guest_host {
public:
    guest_host() = default;
    guest_host(const guest_host&) = delete;
    guest_host& operator=(const guest_host&) = delete;

    /// The running guest stops. Returns when it runs again.
    virtual void suspend() noexcept = 0;
    /// `guest` is to go on, soon. Called on whatever stack is current.
    virtual void resume(fiber& guest) noexcept = 0;

protected:
    ~guest_host() = default;
};

/// A guest's turn.
inline void resume_guest(ready_node& node, ready_node::fate what) {
    auto& guest = static_cast<fiber&>(node);
    if (what == ready_node::fate::run) guest.owner.current_guest_host()->resume(guest);
}
/// The fiber that `node` belongs to, guest or not; null when it is something else.
[[nodiscard]] inline fiber* fiber_behind(ready_node& node) noexcept {
    const bool is_fiber = node.what == ready_node::kind::fiber || node.run == &resume_guest;
    return is_fiber ? static_cast<fiber*>(&node) : nullptr;
}

/// Precondition of both: `f` is in no queue.
inline void make_guest(fiber& f) noexcept {
    f.what = ready_node::kind::bookkeeping;
    f.run = &resume_guest;
    f.saved.stack_pointer = nullptr;
    f.owner.lead(f, fiber::way::by_host);
}
inline void make_ordinary(fiber& f) noexcept {
    f.what = ready_node::kind::fiber;
    f.run = nullptr;
    f.owner.lead(f, fiber::way::onward);
}

}  // namespace brio::inline v0::detail
