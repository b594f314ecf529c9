// pthread_once and C11's call_once, by the states that libc gives its word, so that fibers and threads
// may meet at one. Who waits does so at the word; who has begun wakes all at the end.

#include "posix/caller.hpp"
#include "posix/futex.hpp"
#include "posix/interpose.hpp"
#include "posix/real.hpp"

#include <atomic>
#include <mutex>
#include <pthread.h>
#include <threads.h>

namespace brio::inline v0::detail::posix {

namespace {

// libc's states: 0; an odd number that changes with each fork: under way; 2: done.
constexpr int done_bit = 2;

/// What libc writes while a routine is under way in this process.
int under_way() noexcept {
    static constinit thread_local pthread_once_t* asked = nullptr;
    static constinit thread_local int seen = 0;
    pthread_once_t control = PTHREAD_ONCE_INIT;
    asked = &control;
    real.pthread_once(&control, [] { seen = *asked; });
    return seen;
}

void run_once(std::atomic_ref<int> state, void* word, void (*routine)()) {
    const auto become = [&](int end) {
        state.store(end, std::memory_order_release);
        futex_wake_all(word);
    };
    try {
        routine();
    } catch (...) {
        become(0);
        throw;
    }
    become(done_bit);
}

/// Waits while `control` is `seen`. std::call_once hands its function over in thread-locals, where
/// another fiber would leave its own meanwhile.
void wait_for_end(fiber& self, pthread_once_t* control, int seen) noexcept {
    void* const callable = std::__once_callable;
    void (*const call)() = std::__once_call;
    futex_wait(self, {control, static_cast<std::uint32_t>(seen)});
    std::__once_callable = callable;
    std::__once_call = call;
}

int once_on_fiber(fiber& self, pthread_once_t* control, void (*routine)()) {
    const std::atomic_ref state(*control);
    for (;;) {
        int seen = state.load(std::memory_order_acquire);
        if ((seen & done_bit) != 0) return 0;
        const int begun = under_way();
        if (seen == begun) {
            wait_for_end(self, control, seen);
        } else if (state.compare_exchange_strong(seen, begun)) {
            run_once(state, control, routine);
            return 0;
        }
    }
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

int brio_posix_pthread_once(pthread_once_t* control, void (*routine)()) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.pthread_once(control, routine);
    return once_on_fiber(*self, control, routine);
}

// A once_flag is a pthread_once_t.
void brio_posix_call_once(once_flag* flag, void (*routine)()) {
    brio_posix_pthread_once(reinterpret_cast<pthread_once_t*>(flag), routine);
}

}  // extern "C"

BRIO_INTERPOSE(pthread_once);
BRIO_INTERPOSE(call_once);
