#pragma once
// Which system calls block a loop's thread behind the layer's back: those that libc and other libraries make
// without a call that is interposed. For tests, and for finding out why a loop stands still.

#include <brio/call_graph.hpp>
#include <brio/version.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace brio::inline v0::posix {

/// A system call in which the thread slept.
struct unseen_call {
    std::string name;                                // "flock"; "system call 217" for unusual ones
    std::string task;                                // whose; empty for a callback
    std::chrono::nanoseconds length;                 // how long it took
    std::vector<frame_call_graph_entry> call_stack;  // the innermost first

    /// Some lines: what, whose, for how long, what to do about it, and the stack.
    [[nodiscard]] std::string describe() const;
};

/// Looks, while it lives, at each system call of the thread that made it which does not come from
/// Brio's own code (Syscall User Dispatch: Linux 5.11, x86-64, dynamically linked programs). A call
/// counts when the kernel put the thread to sleep in it; what a passthrough_scope or a signal's
/// handler does does not. Each call costs some microseconds more. Needs brio::posix, linked or
/// preloaded; SIGSYS is the audit's meanwhile. After a fork, a new thread or a changed signal stack
/// it looks away until the thread's next wait. Any thread; nothing here suspends, and no cancel
/// matters.
class [[nodiscard]] audit {
public:
    /// usage_error where it cannot work, saying why, and where the thread has one already.
    audit();
    audit(const audit&) = delete;
    audit& operator=(const audit&) = delete;
    /// On the thread that made it.
    ~audit();

    /// Whether one can be made here.
    [[nodiscard]] static bool available() noexcept;
    /// The first 64 so far, oldest first. On the thread that made it.
    [[nodiscard]] std::vector<unseen_call> findings() const;
};

}  // namespace brio::inline v0::posix
