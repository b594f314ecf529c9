#pragma once
// The machine's side of the audit: system calls of this thread that come from elsewhere than this object's
// code are handed to `watch` instead of the kernel.
//
// 1. The kernel looks at one byte of the thread: allow or block. It is `allow` while a call is being handled,
//    and `block` otherwise.
// 2. Calls from this object pass always. So the handler's way back lies in it.
// 3. A call is made by the handler, with what it was given, but for those that would not have their effect
//    there: see dispatch.cpp.
// 4. No mask of the thread has SIGSYS: a call that is caught while it is blocked ends the process.

#include <cstdint>

namespace brio::inline v0::detail::posix {

struct caught_call {
    long number;
    long arguments[6];
    const void* from;  // behind the instruction
};

/// Makes the call, by make(), and looks at it. In a signal handler: may neither allocate nor lock.
using call_watch = long (*)(const caught_call& call) noexcept;
[[nodiscard]] long make(const caught_call& call) noexcept;
/// For calls that this object makes for its user: by the thread's watch, if there is one.
[[nodiscard]] long make_watched(const caught_call& call) noexcept;

/// 0 or an errno.
[[nodiscard]] int begin_dispatch(call_watch watch) noexcept;
void end_dispatch() noexcept;
/// After a call for which the dispatch had to be left off.
void resume_dispatch() noexcept;

}  // namespace brio::inline v0::detail::posix
