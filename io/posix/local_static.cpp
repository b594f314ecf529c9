// The guards of function-local statics: __cxa_guard_acquire, by the states that libstdc++ gives its word.
// Its own functions release and abort, and wake whoever has announced that he waits.
//
// ThreadSanitizer's runtime has the function itself, with clang in the executable; there a fiber that
// finds another one initialising blocks the thread.

#include "context/sanitizers.hpp"

#if !defined(BRIO_THREAD_SANITIZER)

#include "posix/caller.hpp"
#include "posix/futex.hpp"
#include "posix/real.hpp"

#include <atomic>
#include <cxxabi.h>

namespace brio::inline v0::detail::posix {

namespace {

// libstdc++'s states, a byte each: 1 done, 1 << 8 under way, 1 << 16 somebody waits.
constexpr int guard_done = 1;
constexpr int guard_pending = 1 << 8;
constexpr int guard_waited_for = 1 << 16;

/// 1: the caller initialises. 0: it has been done.
int acquire_guard(fiber& self, int* word) noexcept {
    const std::atomic_ref state(*word);
    for (;;) {
        int seen = 0;
        if (state.compare_exchange_strong(seen, guard_pending)) return 1;
        if (seen == guard_done) return 0;
        constexpr int waited_for = guard_pending | guard_waited_for;
        if (seen == guard_pending && !state.compare_exchange_strong(seen, waited_for)) continue;
        futex_wait(self, {word, waited_for, false});
    }
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" int brio_posix___cxa_guard_acquire(__cxxabiv1::__guard* guard) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.__cxa_guard_acquire(guard);
    return acquire_guard(*self, reinterpret_cast<int*>(guard));
}

extern "C" __attribute__((
    visibility("default"),
    alias("brio_posix___cxa_guard_acquire"))) decltype(brio_posix___cxa_guard_acquire)
    __cxa_guard_acquire;

#endif
