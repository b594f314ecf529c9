#pragma once
// Signal handlers that are left by longjmp. A handler runs on the stack of whoever runs, and the place that
// it jumps to may lie on another: that of the fiber whose wait the handler ends.
//
// 1. On the stack of a fiber in an interruptible wait: the handler is left as by its return, the wait is
//    ended, and when the hook has left its own frames the fiber jumps: in answer(), by which most hooks
//    end, or behind the life of a `landing`.
//    Likewise where the handler has interrupted a running fiber inside a call on a FILE.
// 2. On any other: libc's longjmp, at once.
// 3. So the wait is: entered -> jumped_out, by the handler -> ended, with -EINTR or what it has -> landed.
//    In between no other wait of the fiber begins that a handler may end. The latest jump counts.
// 4. A wait that no handler may end (locks, joins, disk files, inside defer_cancel) cannot be left either:
//    a jump to its fiber ends the program.
//    Look-ups can: a jump ends them, and nothing else.

#include <csetjmp>

namespace brio::inline v0::detail::posix {

struct jump {
    /// Jumps, or returns false: it is too early. Null: there is no jump.
    bool (*land)(jump&) noexcept = nullptr;
    int value;
    jmp_buf place;
};

/// While one lives, in a signal handler, everybody on the thread gets libc's own calls.
class in_signal_handler {
public:
    /// `way_out`: where somebody goes to who leaves it by a jump.
    explicit in_signal_handler(jmp_buf& way_out) noexcept;
    in_signal_handler(const in_signal_handler&) = delete;
    in_signal_handler& operator=(const in_signal_handler&) = delete;
    ~in_signal_handler();
    /// On this thread.
    [[nodiscard]] static bool anywhere() noexcept;
    /// Whether the frame of `stack_pointer` belongs to a handler that is under way. Precondition: anywhere().
    [[nodiscard]] static bool has(const void* stack_pointer) noexcept;
    /// The thread is about to jump out of all: the way out of the outermost, null when there is none.
    static jmp_buf* leave_all() noexcept;

private:
    jmp_buf& way_out_;
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
