// pthread_join: never fails because of a cancel and is not cut short, since its callers ignore the
// result and go on to free what the thread uses.
//
// The end of a thread is waited for through a pidfd of it (PIDFD_THREAD, Linux 6.9); where there is
// none, a helper thread joins. A pidfd needs the thread's id, which glibc tells as a part of the id
// of its CPU clock. It is taken while the thread is certainly alive: it is still not joinable after
// the pidfd has been opened, so nobody else can have got the number.

#include "base/feature_mask.hpp"
#include "base/private_descriptor.hpp"
#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/interpose.hpp"
#include "posix/real.hpp"
#include "posix/threads.hpp"
#include "thread/blocking_call.hpp"

#include <csignal>
#include <exception>
#include <pthread.h>

namespace brio::inline v0::detail::posix {

namespace {

constexpr unsigned pidfd_thread = O_EXCL;

/// As pthread_join, but ETIMEDOUT where that would wait. (pthread_tryjoin_np does not say that a
/// thread is detached, or is this one.)
int join_at_once(pthread_t thread, void** result) {
    const timespec long_ago = {};
    return ::pthread_timedjoin_np(thread, result, &long_ago);
}

/// From CPUCLOCK_PERTHREAD clock ids (~id << 3 | flags); 0 when the thread has ended.
int id_of(pthread_t thread) noexcept {
    clockid_t clock = 0;
    return ::pthread_getcpuclockid(thread, &clock) == 0 ? ~(clock >> 3) : 0;
}

int join_in_helper(pthread_t thread, void** result) {
    struct joining {
        pthread_t thread;
        void* result;
        int status;
        void operator()() noexcept { status = real.pthread_join(thread, &result); }
    };
    try {
        const joining done = run_in(waiting_pool(), "pthread_join", joining{thread, nullptr, 0});
        if (done.status == 0 && result != nullptr) *result = done.result;
        return done.status;
    } catch (const std::exception&) {  // no memory, no thread: late is better than not at all
        return real.pthread_join(thread, result);
    }
}

int join_on_fiber(fiber& self, pthread_t thread, void** result) {
    if (const int joined = join_at_once(thread, result); joined != ETIMEDOUT) return joined;
    const not_cut_short whole(self);
    const int id = id_of(thread);
    if (id == 0) return real.pthread_join(thread, result);  // in its last instructions
    if (masked(feature::pidfd_thread)) return join_in_helper(thread, result);
    const int fd =
        private_descriptor(static_cast<int>(system_call(SYS_pidfd_open, id, pidfd_thread)));
    if (fd < 0) return join_in_helper(thread, result);
    int joined = join_at_once(thread, result);
    if (joined == ETIMEDOUT) {
        operation ended;
        ended.what = operation::code::poll;
        ended.fd = fd;
        ended.flags = POLLIN;
        wait_for(self, ended);
        joined = real.pthread_join(thread, result);
    }
    close_private(fd);
    return joined;
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" int brio_posix_pthread_join(pthread_t thread, void** result) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.pthread_join(thread, result);
    return join_on_fiber(*self, thread, result);
}

BRIO_INTERPOSE(pthread_join);
