// C11's names of what waits and is no lock: thrd_join, thrd_sleep, thrd_yield; and sched_yield.

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/interpose.hpp"
#include "posix/threads.hpp"

#include <cstdint>
#include <pthread.h>
#include <sched.h>
#include <threads.h>

using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

// A thrd_t is a pthread_t.
int brio_posix_thrd_join(thrd_t thread, int* result) {
    void* left = nullptr;
    const int joined = ::pthread_join(thread, &left);
    if (joined == 0 && result != nullptr)
        *result = static_cast<int>(reinterpret_cast<std::intptr_t>(left));
    return as_thrd(joined);
}

int brio_posix_thrd_sleep(const timespec* length, timespec* left) {
    switch (::clock_nanosleep(CLOCK_REALTIME, 0, length, left)) {
        case 0:
            return 0;
        case EINTR:
            return -1;
        default:
            return -2;
    }
}

int brio_posix_sched_yield() noexcept {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return static_cast<int>(as_libc(system_call(SYS_sched_yield)));
    pass_turn(*self);
    return static_cast<int>(answer(0));
}

void brio_posix_thrd_yield() {
    brio_posix_sched_yield();
}

}  // extern "C"

BRIO_INTERPOSE(thrd_join);
BRIO_INTERPOSE(thrd_sleep);
BRIO_INTERPOSE(sched_yield);
BRIO_INTERPOSE(thrd_yield);
