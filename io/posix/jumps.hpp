#pragma once
// Signal handlers that are left by longjmp. A handler runs on the stack of whoever runs, and the place that
// it jumps to may lie on another: that of the fiber whose wait the handler ends.
//
// 1. On the stack of a fiber in an interruptible wait: the handler is left as by its return, the wait is
//    ended, and when the hook has left its own frames the fiber jumps: in answer(), which is how hooks end,
//    or where a `landing` lives, behind that.
// 2. On any other: libc's longjmp, at once.
// 3. So the wait is: entered -> jumped_out, by the handler -> ended, with -EINTR or what it has -> landed.
//    In between no other wait of the fiber begins. The latest jump counts.
// 4. A wait that no handler may end (locks, joins, disk files, inside defer_cancel) cannot be left either.
//    Look-ups can: a jump ends them, and nothing else.

#include <csetjmp>

namespace brio::inline v0::detail::posix {

struct jump {
    jmp_buf* place = nullptr;  // null: there is none
    int value = 0;
    /// Jumps, or returns false: it is too early.
    bool (*land)(const jump&) noexcept = nullptr;
};

/// While one lives, in a signal handler, everybody on the thread gets libc's own calls.
class in_signal_handler {
public:
    in_signal_handler() noexcept;
    in_signal_handler(const in_signal_handler&) = delete;
    in_signal_handler& operator=(const in_signal_handler&) = delete;
    ~in_signal_handler();
    /// On this thread.
    [[nodiscard]] static bool anywhere() noexcept;
    /// The thread is about to jump out of all.
    static void all_are_over() noexcept;

    /// For a _setjmp by whoever has made it.
    jmp_buf way_out;
    /// Of the outermost. Precondition: anywhere().
    [[nodiscard]] static jmp_buf& way_out_of_all() noexcept;
};

/// Rule 3. For the running fiber, by the end of its wait.
void make_due(const jump& j) noexcept;
[[nodiscard]] bool jump_is_due() noexcept;
/// The running fiber goes where it is due to go, if it is.
void land_jump() noexcept;

/// Around what has to be left in good order.
class landing {
public:
    landing() = default;
    landing(const landing&) = delete;
    landing& operator=(const landing&) = delete;
    ~landing() { land_jump(); }
};

}  // namespace brio::inline v0::detail::posix
