// sigwait, sigwaitinfo, sigtimedwait. The kernel is asked with a time of 0; else the fiber waits until
// a signalfd shows that one of the signals is pending, and the kernel is asked again: another fiber or
// thread may have been faster.
//
// The signals are to be blocked in the thread, as POSIX demands. One that is not goes to its handler,
// while Linux gives it to a thread that waits for it.

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/deadlines.hpp"
#include "posix/interpose.hpp"
#include "posix/interruption.hpp"
#include "posix/readiness.hpp"
#include "posix/real.hpp"
#include "posix/signal_descriptor.hpp"

#include <cerrno>
#include <csignal>

namespace brio::inline v0::detail::posix {

namespace {

/// A signal of `set` that is pending; -EAGAIN when there is none.
long take(const sigset_t* set, siginfo_t* info) noexcept {
    const timespec none = {};
    const long taken = system_call(SYS_rt_sigtimedwait, set, info, &none, kernel_sigset_size);
    if (taken > 0 && info != nullptr && info->si_code == SI_TKILL)
        info->si_code = SI_USER;  // as libc
    return taken;
}

/// `length`: empty for no limit. The signal or -errno.
long wait_for_signal(fiber& self, const sigset_t* set, siginfo_t* info,
                     std::optional<duration> length) noexcept {
    if (refused(self)) return -ECANCELED;
    const long taken = take(set, info);
    if (taken != -EAGAIN || (length && *length == duration::zero())) return taken;
    std::optional<time_point> until;
    if (length) until = from_now(self, *length);
    const interruptible here(self, restarts::never);
    const signal_descriptor pending(*set);
    if (pending.get() < 0) return pending.get();
    pollfd item = {pending.get(), POLLIN, 0};
    const long answer = wait_for_answer(self, {&item, 1}, nullptr, until, [&] {
        const long found = take(set, info);
        return found == -EAGAIN ? 0 : found;
    });
    return answer == 0 ? -EAGAIN : answer;
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

int brio_posix_sigwait(const sigset_t* set, int* signal) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.sigwait(set, signal);
    long taken = -EINTR;
    while (taken == -EINTR) {
        taken = wait_for_signal(*self, set, nullptr, {});
        land_jump();
    }
    if (taken < 0) return errno = static_cast<int>(-taken);  // libc's own is in both places, too
    *signal = static_cast<int>(taken);
    return 0;
}

int brio_posix_sigwaitinfo(const sigset_t* set, siginfo_t* info) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.sigwaitinfo(set, info);
    return static_cast<int>(answer(wait_for_signal(*self, set, info, {})));
}

int brio_posix_sigtimedwait(const sigset_t* set, siginfo_t* info, const timespec* timeout) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.sigtimedwait(set, info, timeout);
    std::optional<duration> length;
    if (timeout != nullptr) {
        if (!is_valid(*timeout)) return static_cast<int>(answer(-EINVAL));
        length = length_of(*timeout);
    }
    return static_cast<int>(answer(wait_for_signal(*self, set, info, length)));
}

}  // extern "C"

BRIO_INTERPOSE(sigtimedwait);
BRIO_INTERPOSE(sigwait);
BRIO_INTERPOSE(sigwaitinfo);
