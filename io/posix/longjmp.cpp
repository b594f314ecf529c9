// longjmp by all its names.

#include "base/system_calls.hpp"
#include "posix/interpose.hpp"
#include "posix/interruption.hpp"
#include "posix/jumps.hpp"
#include "posix/real.hpp"
#include "posix/stdio_files.hpp"
#include "scheduler/scheduler.hpp"

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>

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
bool land(jump& j) noexcept {
    if (has_claimed_files(*this_fiber())) return false;
    real.longjmp(j.place, j.value);
    __builtin_unreachable();
}

/// Whether a fiber has been told to go there, which it does when the handlers are over.
bool put_off(const void* stack_pointer, const jump& j) noexcept {
    if (interruptible::jump_out(stack_pointer, j)) return true;
    const fiber* const self = this_fiber();
    if (self == nullptr || !is_on_stack_of(*self, stack_pointer) || !has_claimed_files(*self))
        return false;
    make_due(j);
    return true;
}

/// There is no way to a fiber that is suspended where no handler may end its wait: its frames, and the loop
/// behind this one's, would be lost. Nothing is safe here but to end.
void refuse_a_place_on_another_stack(const void* stack_pointer) noexcept {
    const scheduler* const loop = this_scheduler();
    if (loop == nullptr || !loop->stacks().holds(stack_pointer)) return;
    const fiber* const self = loop->current();
    if (self != nullptr && is_on_stack_of(*self, stack_pointer)) return;
    system_calls::write_error_text(
        "brio: a signal handler jumps to a fiber that is suspended where no handler may end its "
        "wait: "
        "in a lock, a join, a disk file or Brio's own API\n");
    std::abort();
}

void jump_to(jmp_buf& place, int value, void (*libcs)(jmp_buf, int)) noexcept {
    if (!in_signal_handler::anywhere()) return libcs(place, value);
    const void* const stack_pointer = stack_pointer_of(place);
    if (in_signal_handler::has(stack_pointer)) return libcs(place, value);
    jump j;
    j.land = &land;
    j.value = value;
    std::memcpy(j.place, place, sizeof j.place);
    const bool is_put_off = put_off(stack_pointer, j);
    if (!is_put_off) refuse_a_place_on_another_stack(stack_pointer);
    jmp_buf& way_out = *in_signal_handler::leave_all();
    if (is_put_off) real.longjmp(way_out, 1);
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
