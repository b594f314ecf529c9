#pragma once
// One thread of execution and the change from one to another: the machine's switch (switch.hpp)
// together with what C++ and C keep per thread and a fiber needs for itself.
//
// 1. An execution stays on its thread, so the addresses in thread_cells hold for its whole life.
// 2. The exception globals and errno in the cells are those of the running execution; a suspended
//    one keeps its own in its machine_context. So a fiber may suspend inside a catch and in a
//    destructor that runs during unwinding.
// 3. When an execution ends, no exception is alive in it: the next one on the stack starts with
//    zeros.
//
//   prepare_context -> suspended -> running ... -> switch_context_for_good -> release_context
//                          '---------- (never continued) --------------------------^

#include "base/invariant.hpp"
#include "context/sanitizers.hpp"
#include "context/switch.hpp"

#include <cstddef>
#include <cstring>

namespace brio::inline v0::detail {

/// What the Itanium C++ ABI keeps behind __cxa_get_globals(); <cxxabi.h> only names the type.
struct exception_globals {
    void* caught_exceptions = nullptr;
    unsigned int uncaught_exceptions = 0;
#if defined(__ARM_EABI_UNWINDER__)
    void* propagating_exceptions = nullptr;
#endif
};

/// Addresses that are costly to ask for and never change for a thread. One for each loop.
struct thread_cells {
    exception_globals* exceptions = nullptr;
    int* error_number = nullptr;

    [[nodiscard]] static thread_cells of_this_thread() noexcept;
};

/// A suspended execution. Default-constructed it stands for the thread's own stack, and is filled
/// by the switch that leaves it. Must not move between prepare_context and release_context.
struct machine_context {
    void* stack_pointer = nullptr;
    exception_globals exceptions = {};
    int error_number = 0;
    unsigned int valgrind_stack = 0;
    [[no_unique_address]] sanitizer_handles sanitizers = {};
};

/// Prepares `c` so that the first switch to it calls entry(argument) on the stack [limit, top).
/// `top` is any multiple of 16. `entry` must not return and must not let an exception out; it ends
/// in switch_context_for_good.
void prepare_context(machine_context& c, void* limit, void* top, void (*entry)(void*),
                     void* argument) noexcept;

/// Forgets a prepared context that will not be continued: one that has ended, or that never will.
/// The stack can be used again afterwards; objects in its frames are not destroyed.
void release_context(machine_context& c) noexcept;

namespace switching {

inline void exchange_cells(thread_cells& cells, machine_context& from,
                           const machine_context& to) noexcept {
    // With their padding, which an assignment would leave out: one move of the processor.
    std::memcpy(&from.exceptions, cells.exceptions, sizeof(exception_globals));
    std::memcpy(cells.exceptions, &to.exceptions, sizeof(exception_globals));
    from.error_number = *cells.error_number;
    *cells.error_number = to.error_number;
}

}  // namespace switching

/// Saves the running execution in `from` and continues `to`. Returns when something continues
/// `from`.
/// **Thread**: the one whose cells these are.
inline void switch_context(thread_cells& cells, machine_context& from,
                           machine_context& to) noexcept {
    switching::exchange_cells(cells, from, to);
    announce_switch(from.sanitizers, to.sanitizers, departure::to_return);
    brio_v0_switch_stack(&from.stack_pointer, to.stack_pointer);
    report_arrival(from.sanitizers);
}

/// The last switch of an execution. release_context(from) follows, from another stack.
[[noreturn, gnu::always_inline]] inline void switch_context_for_good(thread_cells& cells,
                                                                     machine_context& from,
                                                                     machine_context& to) noexcept {
    invariant(cells.exceptions->caught_exceptions == nullptr &&
                  cells.exceptions->uncaught_exceptions == 0,
              "a fiber ends while an exception of its own is alive");
    switching::exchange_cells(cells, from, to);
    announce_switch(from.sanitizers, to.sanitizers, departure::for_good);
    continue_stack(to.stack_pointer);
}

/// std::uncaught_exceptions() of the running execution without its look-up.
[[nodiscard]] inline unsigned int uncaught_exceptions(const thread_cells& cells) noexcept {
    return cells.exceptions->uncaught_exceptions;
}

}  // namespace brio::inline v0::detail
