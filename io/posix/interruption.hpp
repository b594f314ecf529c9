#pragma once
// EINTR. A handler that runs in a loop's thread ends the wait of one fiber, as it would end the system
// call that a thread sits in. The kernel sees one thread and no wait of a fiber, so this is the layer's.
//
// 1. Which one: of the fibers that sit in an interruptible wait, and the one that was running, the oldest;
//    in a program whose main() is a fiber that is main. Where it is the one that was running no wait ends.
// 2. A wait that began after the handler is left alone, and one that has its result keeps it.
// 3. Handlers with SA_RESTART end only the waits that never restart: those with a limit of time, poll and
//    its kin, sleeps.
// 4. The handler itself only takes a note and posts it to the loop; the wait is ended at the loop's next
//    turn, so behind the handler.
// 5. A handler that is left by longjmp to a fiber ends the wait of that one (jumps.hpp).
// 6. While the fiber may not be told of a cancel (defer_cancel, c_callback, a call that is not cut
//    short), it is not told of handlers either.

#include "fiber/fiber.hpp"
#include "posix/jumps.hpp"

#include <cstdint>

namespace brio::inline v0::detail::posix {

/// Always: only a jump ends it.
enum class restarts : unsigned char { never, if_the_handler_says, always };

/// While one lives, on the waiting fiber's stack, a handler may set self.interrupted and end the wait.
class interruptible {
public:
    interruptible(fiber& self, restarts r) noexcept;
    interruptible(const interruptible&) = delete;
    interruptible& operator=(const interruptible&) = delete;
    ~interruptible();

    /// Whether a handler has jumped out of this wait, or of an earlier one of the same call: it is not to
    /// begin.
    [[nodiscard]] bool jumped_out() const noexcept;
    /// In a signal handler. The wait of the fiber on whose stack `stack_pointer` lies is to end, and the
    /// fiber to jump. False: there is none, or it is not interruptible.
    static bool jump_out(const void* stack_pointer, const jump& j) noexcept;

private:
    friend class interruption;

    fiber& self_;
    std::uint64_t number_;  // in the order in which those of this thread began
    restarts restarts_;
    bool listed_;
    interruptible* previous_ = nullptr;
    interruptible* next_ = nullptr;
    jump jump_;
};

/// What the layer does for a fiber that is about to wait in it for the first time; null: nothing.
extern void (*before_first_wait)(fiber& self) noexcept;

[[nodiscard]] inline bool is_on_stack_of(const fiber& f, const void* stack_pointer) noexcept {
    return stack_pointer >= f.memory.limit && stack_pointer < f.memory.top;
}

/// A call is about to wait.
void begin_wait(fiber& self) noexcept;
/// Calls that have waited, or were about to.
[[nodiscard]] std::uint64_t waits_of_this_thread() noexcept;

/// In a signal handler. `restart`: it was installed with SA_RESTART. `of_running`: the thread has sent the
/// signal to itself (raise): where a fiber runs, it concerns nobody else.
void note_interruption(bool restart, bool of_running) noexcept;

}  // namespace brio::inline v0::detail::posix
