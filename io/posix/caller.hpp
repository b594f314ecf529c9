#pragma once
// Who calls, and what follows from it: a fiber that may be suspended, or somebody who gets libc's own
// behaviour. And what a fiber that has been cancelled is told.
//
// 1. Libc's own: threads without a running loop; callbacks on the loop's own stack; fibers inside a
//    passthrough_scope; signal handlers; everybody with BRIO_POSIX=off, once exit has begun, and, in a forked child,
//    on the loop that the parent left behind, and in a child of vfork.
// 2. A cancelled fiber is inside C code here, whose frames must not be unwound: nothing throws. The
//    call fails with ECANCELED, and so does each later one; the request stays pending until a
//    suspension of Brio's own API or the end of a scope delivers it. fiber.cancel_told_to_c says
//    that an error which comes out of the C code may be that one.
// 3. A cancel that may not be delivered now (defer_cancel, c_callback, unwinding) is not told either.
// 4. Every eighth refusal goes through a turn of the loop, so that C code which retries for ever
//    holds up only itself.

#include "base/system_call.hpp"
#include "fiber/fiber.hpp"
#include "ops/operation.hpp"
#include "posix/interruption.hpp"
#include "posix/jumps.hpp"
#include "scheduler/park.hpp"
#include "scheduler/scheduler.hpp"

#include <brio/time.hpp>

#include <cerrno>
#include <optional>

namespace brio::inline v0::detail::posix {

/// From now on everybody gets libc's own.
void stand_aside() noexcept;
/// In the child of a fork on this thread: its loop is the parent's.
void loop_was_left_behind() noexcept;

/// The fiber that a blocking call of this moment may suspend; null: the call is libc's.
[[nodiscard]] fiber* suspendable_fiber() noexcept;
/// The fiber that may wait for others of its thread: suspendable, or inside a passthrough_scope.
[[nodiscard]] fiber* served_fiber() noexcept;
/// Whether the caller is a callback on the stack of a loop that the layer serves.
[[nodiscard]] bool on_loop_stack() noexcept;

/// The calling thread's loop lets go of what it keeps for the number `fd`, which is about to be closed.
void forget_in_reactor(int fd) noexcept;

/// Whether a cancel is pending that a call from here would be told of.
[[nodiscard]] inline bool cancel_is_due(const fiber& self) noexcept {
    return self.cancel_pending && may_cancel(self);
}
/// Whether the call has to fail with ECANCELED; then it counts as told. May go through a turn of the
/// loop.
[[nodiscard]] bool refused(fiber& self) noexcept;
/// Marks that C code is about to be told of the pending cancel; returns -ECANCELED.
long tell_cancelled(fiber& self) noexcept;

/// How a hook ends, when it has left all that was to be left: as libc answers. Does not return where a
/// handler has jumped out of the wait (jumps.hpp).
inline long answer(long result) noexcept {
    land_jump();
    return as_libc(result);
}

/// While one lives, the fiber is not told of a cancel.
class not_cut_short {
public:
    explicit not_cut_short(fiber& self) noexcept : self_(self) { ++self_.deferred; }
    not_cut_short(const not_cut_short&) = delete;
    not_cut_short& operator=(const not_cut_short&) = delete;
    ~not_cut_short() { --self_.deferred; }

private:
    fiber& self_;
};

/// perform() for a hook: a cancel is marked as told, and -EINTR means that a handler has ended the wait
/// (interruption.hpp): one without SA_RESTART, or, where there is a limit, any.
long wait_for(fiber& self, operation& op, std::optional<time_point> until = {}) noexcept;
/// Likewise with nothing to wait for: -ETIME, -ECANCELED or -EINTR.
long sleep_until(fiber& self, std::optional<time_point> until,
                 restarts r = restarts::never) noexcept;
/// To whoever is ready.
void pass_turn(fiber& self) noexcept;

}  // namespace brio::inline v0::detail::posix
