// pthread_barrier_wait: a helper thread waits in the fiber's place. A barrier has few parties, and
// which thread arrives makes no difference to it.

#include "posix/caller.hpp"
#include "posix/interpose.hpp"
#include "posix/real.hpp"
#include "posix/threads.hpp"
#include "thread/blocking_call.hpp"

#include <exception>
#include <pthread.h>

namespace brio::inline v0::detail::posix {

namespace {

int wait_on_fiber(fiber& self, pthread_barrier_t* barrier) noexcept {
    struct arriving {
        pthread_barrier_t* barrier;
        int result;
        void operator()() noexcept { result = real.pthread_barrier_wait(barrier); }
    };
    const int before = errno;
    const not_cut_short whole(self);
    try {
        const arriving arrived = run_in(waiting_pool(), "barrier", arriving{barrier, 0});
        errno = before;
        return arrived.result;
    } catch (const std::exception&) {  // no memory, no thread: late is better than not at all
        return real.pthread_barrier_wait(barrier);
    }
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" int brio_posix_pthread_barrier_wait(pthread_barrier_t* barrier) noexcept {
    fiber* const self = suspendable_fiber();
    return self == nullptr ? real.pthread_barrier_wait(barrier) : wait_on_fiber(*self, barrier);
}

BRIO_INTERPOSE(pthread_barrier_wait);
