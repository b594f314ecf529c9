// syscall(2), for SYS_futex alone: libstdc++ waits so in std::future, std::latch, std::barrier,
// std::counting_semaphore and std::atomic::wait. Every other call is handed on as it is.

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/deadlines.hpp"
#include "posix/dispatch.hpp"
#include "posix/futex.hpp"
#include "posix/interpose.hpp"
#include "posix/threads.hpp"

#include <cstdarg>
#include <linux/futex.h>

namespace brio::inline v0::detail::posix {

namespace {

struct futex_arguments {
    void* word;
    int call;
    std::uint32_t value;
    const timespec* limit;
    std::uint32_t bits;

    [[nodiscard]] int command() const noexcept { return call & FUTEX_CMD_MASK; }
};

bool is_wait(const futex_arguments& a) noexcept {
    return a.command() == FUTEX_WAIT || a.command() == FUTEX_WAIT_BITSET;
}

/// The limit of FUTEX_WAIT is a length, that of FUTEX_WAIT_BITSET a point in time.
std::optional<time_point> end_of(const fiber& self, const futex_arguments& a) noexcept {
    if (a.limit == nullptr) return {};
    if (a.command() == FUTEX_WAIT) return from_now(self, length_of(*a.limit));
    const bool realtime = (a.call & FUTEX_CLOCK_REALTIME) != 0;
    return point_on(self, realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC, *a.limit);
}

long wait_on_fiber(fiber& self, const futex_arguments& a) noexcept {
    if (a.limit != nullptr && !is_valid(*a.limit)) return -EINVAL;
    futex_word word = {a.word, a.value, (a.call & FUTEX_PRIVATE_FLAG) != 0};
    if (a.command() == FUTEX_WAIT_BITSET) word.bits = a.bits;
    return futex_wait(self, word, end_of(self, a));
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio::detail;
using namespace brio::detail::posix;

// Callers pass as many arguments as their call has; the rest is whatever lies there, and is not used.
extern "C" __attribute__((no_sanitize("address"))) long brio_posix_syscall(long number,
                                                                           ...) noexcept {
    va_list list;
    va_start(list, number);
    long a[6];
    for (long& argument : a) argument = va_arg(list, long);
    va_end(list);
    if (number == SYS_futex) {
        const futex_arguments futex = {
            reinterpret_cast<void*>(a[0]), static_cast<int>(a[1]), static_cast<std::uint32_t>(a[2]),
            reinterpret_cast<const timespec*>(a[3]), static_cast<std::uint32_t>(a[5])};
        fiber* const self = is_wait(futex) ? suspendable_fiber() : nullptr;
        if (self != nullptr) return as_libc(wait_on_fiber(*self, futex));
    }
    return as_libc(
        make_watched({number, {a[0], a[1], a[2], a[3], a[4], a[5]}, __builtin_return_address(0)}));
}

BRIO_INTERPOSE(syscall);
