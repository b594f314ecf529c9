#pragma once
// The machine's part of a switch: four functions, written once per way of switching
// (switch_x86_64.S, switch_aarch64.S, switch_boost.cpp); the build takes exactly one of them.
//
//   limit                                                     top
//   |  free  | errno, saved registers, return address |  frames ...  |
//            ^ the stack pointer of a suspended execution
//
// Kept across a switch: errno, what the calling convention makes the callee keep, and nothing else.
// Rounding modes and the other floating-point control bits (MXCSR, x87 control word, FPCR) are not
// switched (by Boost's switch they are): saving them costs a third of the switch, and code that
// changes them for good is rare. A fiber must restore them before it suspends.

#include <cstddef>

extern "C" {

/// Saves the running execution, stores its stack pointer to `*save`, continues the one that was
/// saved as `load`. Returns when something continues the saved one. `error_number` is where this
/// thread keeps errno.
[[gnu::visibility("hidden")]] void brio_v0_switch_stack(void** save, void* load,
                                                        int* error_number) noexcept;

/// Builds on a fresh stack that ends at `top` (a multiple of 16) an execution that begins with
/// entry(argument) and an errno of 0, and returns its stack pointer. Unwinding from `entry` ends at its caller.
/// `entry` never returns.
[[gnu::visibility("hidden")]] void* brio_v0_prepare_stack(void* top, void (*entry)(void*),
                                                          void* argument,
                                                          std::size_t size) noexcept;

/// Continues `load` for an execution that ends: nothing is saved. Reached by a jump, see below.
[[noreturn, gnu::visibility("hidden")]] void brio_v0_continue_stack(void* load,
                                                                    int* error_number) noexcept;

/// Calls function(argument) here and now; to an unwinder, though, its caller is the code that has
/// been suspended as `suspended`. The portable switch cannot do that, and does not call.
[[gnu::visibility("hidden")]] void brio_v0_call_as_from(void* suspended,
                                                        void (*function)(void*) noexcept,
                                                        void* argument) noexcept;
}

namespace brio::inline v0::detail {

/// The last switch of an execution. On x86-64 it is jumped to, and itself ends in a jump: a call and
/// a return that belong to no pair would leave the return-address predictor out of step for the whole
/// way back of the fiber that goes on (two mispredictions, 12 ns where measured).
[[noreturn, gnu::always_inline]] inline void continue_stack(void* load,
                                                            int* error_number) noexcept {
#if defined(__x86_64__)
    asm volatile("jmp brio_v0_continue_stack" : : "D"(load), "S"(error_number) : "memory");
    __builtin_unreachable();
#else
    brio_v0_continue_stack(load, error_number);
#endif
}

}  // namespace brio::inline v0::detail
