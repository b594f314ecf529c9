// longjmp by all its names.

#include "posix/interpose.hpp"
#include "posix/interruption.hpp"
#include "posix/jumps.hpp"
#include "posix/real.hpp"
#include "posix/stdio_files.hpp"

#include <bit>
#include <cstdint>

namespace brio::inline v0::detail::posix {

namespace {

// Where glibc's jmp_buf has the stack pointer, and by how many bits that is rotated. It is xored besides,
// with a word that is the process's.
#if defined(__x86_64__)
constexpr std::size_t stack_pointer_word = 6;
constexpr int rotation = 17;
#elif defined(__aarch64__)
constexpr std::size_t stack_pointer_word = 13;
constexpr int rotation = 0;
#endif

std::uintptr_t scrambled_stack_pointer(const jmp_buf& place) noexcept {
    return std::rotr(static_cast<std::uintptr_t>(place[0].__jmpbuf[stack_pointer_word]), rotation);
}

/// The word, which a place of our own gives away.
[[gnu::noinline]] std::uintptr_t scrambling_word() noexcept {
    jmp_buf here;
    if (_setjmp(here) != 0) __builtin_unreachable();
    std::uintptr_t stack_pointer = 0;
#if defined(__x86_64__)
    asm volatile("mov %%rsp, %0" : "=r"(stack_pointer));
#elif defined(__aarch64__)
    asm volatile("mov %0, sp" : "=r"(stack_pointer));
#endif
    return scrambled_stack_pointer(here) ^ stack_pointer;
}

/// What longjmp will make the stack pointer.
const void* stack_pointer_of(const jmp_buf& place) noexcept {
    return reinterpret_cast<const void*>(scrambled_stack_pointer(place) ^ scrambling_word());
}

/// Not from within a call on a FILE: it is left first (stdio_files.hpp).
bool land(const jump& j) noexcept {
    if (has_claimed_files(*this_fiber())) return false;
    real.longjmp(*j.place, j.value);
    __builtin_unreachable();
}

void jump_to(jmp_buf& place, int value, void (*libcs)(jmp_buf, int)) noexcept {
    if (in_signal_handler::anywhere() &&
        interruptible::jump_out(stack_pointer_of(place), {&place, value, &land}))
        real.longjmp(in_signal_handler::way_out_of_all(), 1);
    in_signal_handler::all_are_over();
    libcs(place, value);
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio::detail::posix;

extern "C" {

// The array of which they get the address is the caller's own, and is as long as its type says.
void brio_posix_longjmp(jmp_buf to, int value) noexcept {
    jump_to(*reinterpret_cast<jmp_buf*>(to), value, real.longjmp);
}

void brio_posix___longjmp_chk(jmp_buf to, int value) noexcept {
    jump_to(*reinterpret_cast<jmp_buf*>(to), value, real.__longjmp_chk);
}

}  // extern "C"

BRIO_INTERPOSE(longjmp);
BRIO_INTERPOSE_ALIAS(_longjmp, longjmp);
BRIO_INTERPOSE_ALIAS(siglongjmp, longjmp);
BRIO_INTERPOSE(__longjmp_chk);
