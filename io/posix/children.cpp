// wait, waitpid, wait3, wait4, waitid. The call itself, with WNOHANG, is the first attempt and the
// last word; between the attempts something tells that there may be a change to take.
//
// 1. Only the call takes a child's status. What tells leaves it there (WNOWAIT, a pidfd): several
//    fibers and threads that wait for the same children try in turn, who finds nothing waits on, and a
//    cancel loses nothing.
// 2. What tells, in this order:
//      IORING_OP_WAITID   everything: any child, groups, stops, tracees (Linux 6.7)
//      a pidfd            the end of one process
//      a helper thread    everything else. It is called back when the wait ends early
// 3. The last two may tell of what is not for the caller (__WNOTHREAD, a child that somebody traces),
//    and would again at once: between two such attempts there is a nap.

#include "posix/children.hpp"

#include "base/feature_mask.hpp"
#include "base/private_descriptor.hpp"
#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/deadlines.hpp"
#include "posix/descriptors.hpp"
#include "posix/interpose.hpp"
#include "posix/interruptible_call.hpp"
#include "posix/kept_open.hpp"
#include "posix/real.hpp"
#include "posix/threads.hpp"

#include <cerrno>
#include <exception>
#include <poll.h>
#include <sys/wait.h>
#include <utility>

namespace brio::inline v0::detail::posix {

namespace {

/// Whose changes are waited for, as waitid takes it.
struct awaited {
    idtype_t kind;
    id_t id;
    int options;
};

awaited as_waitid_says(pid_t child, int options) noexcept {
    options |= WEXITED;
    if (child == -1) return {P_ALL, 0, options};
    if (child > 0) return {P_PID, static_cast<id_t>(child), options};
    return {P_PGID, 0U - static_cast<id_t>(child), options};
}

// Each of the three returns 0 when it is time for another attempt, or an error, -ECANCELED and -EINTR among
// them;
// -EOPNOTSUPP: it cannot tell.

long told_by_ring(fiber& self, const awaited& who) noexcept {
    if (masked(feature::waitid)) return -EOPNOTSUPP;
    siginfo_t change;
    operation op;
    op.what = operation::code::waitid;
    op.flags = who.kind;
    op.offset = who.id;
    op.length = static_cast<std::uint32_t>(who.options | WNOWAIT);
    op.address = &change;
    const long result = wait_for(self, op);
    if (result == -EINVAL) return -EOPNOTSUPP;  // an older kernel; the options were accepted before
    return result == -ECHILD ? 0 : result;      // the attempt will find out
}

long told_by_pidfd(fiber& self, const awaited& who) noexcept {
    const bool is_one = who.kind == P_PID || who.kind == P_PIDFD;
    if (!is_one || (who.options & (WEXITED | WSTOPPED | WCONTINUED)) != WEXITED) return -EOPNOTSUPP;
    const bool is_mine = who.kind == P_PID;
    const int fd =
        is_mine ? private_descriptor(static_cast<int>(system_call(SYS_pidfd_open, who.id, 0)))
                : static_cast<int>(who.id);
    if (fd == -ESRCH) return 0;
    if (fd < 0) return -EOPNOTSUPP;  // a child of clone() that is no process
    operation ended;
    ended.what = operation::code::poll;
    ended.fd = fd;
    ended.flags = POLLIN;
    const long result = wait_for(self, ended);
    if (is_mine) close_private(fd);
    return result < 0 ? result : 0;
}

long told_by_thread(fiber& self, const awaited& who) {
    awaited from_there = who;
    from_there.options &= ~__WNOTHREAD;  // the children are this thread's, not the helper's
    try {
        const long told = call_until_interrupted(self, "waitid", [from_there] {
            siginfo_t change;
            return system_call(SYS_waitid, from_there.kind, from_there.id, &change,
                               from_there.options | WNOWAIT, nullptr);
        });
        return told == -EINTR || told == -ECANCELED ? told : 0;  // the attempt will find out
    } catch (const std::exception&) {  // no memory, no thread: looks now and then
        return nap(self);
    }
}

/// Suspends until another attempt makes sense. 0 or -errno.
long wait_for_change(fiber& self, const awaited& who, bool in_vain) {
    long told = told_by_ring(self, who);
    if (told != -EOPNOTSUPP) return told;
    if (in_vain)
        if (const long napped = nap(self); napped < 0) return napped;
    told = told_by_pidfd(self, who);
    return told == -EOPNOTSUPP ? told_by_thread(self, who) : told;
}

/// `attempt` is the call with WNOHANG: its result or -errno; 0 when there is nothing yet.
template <class Attempt>
long wait_on_fiber(fiber& self, const awaited& who, Attempt attempt) {
    if (refused(self)) return -ECANCELED;
    for (bool in_vain = false;; in_vain = true) {
        if (const long result = attempt(); result != 0) return result;
        if ((who.options & WNOHANG) != 0) return 0;
        if (const long told = wait_for_change(self, who, in_vain); told < 0) return told;
    }
}

long wait4_on_fiber(fiber& self, pid_t child, int* status, int options, rusage* usage) {
    return wait_on_fiber(self, as_waitid_says(child, options), [=] {
        return system_call(SYS_wait4, child, status, options | WNOHANG, usage);
    });
}

/// Whether it never waits: a pidfd with O_NONBLOCK answers EAGAIN.
bool is_nonblocking(const awaited& who) noexcept {
    return who.kind == P_PIDFD && facts_of(static_cast<int>(who.id)).nonblocking;
}

long waitid_on_fiber(fiber& self, awaited who, siginfo_t* change) {
    siginfo_t own;
    if (change == nullptr) change = &own;
    kept_open pidfd(who.kind == P_PIDFD ? static_cast<int>(who.id) : -1);
    if (who.kind == P_PIDFD) {
        pidfd.keep();
        who.id = static_cast<id_t>(pidfd.fd());
    }
    const long result = wait_on_fiber(self, who, [=] {
        const long found =
            system_call(SYS_waitid, who.kind, who.id, change, who.options | WNOHANG, nullptr);
        return found == 0 && change->si_signo == SIGCHLD ? 1 : found;
    });
    return result > 0 ? 0 : result;
}

}  // namespace

long wait_for_child(pid_t child, int* status) {
    if (fiber* const self = suspendable_fiber())
        return wait4_on_fiber(*self, child, status, 0, nullptr);
    const int before = errno;
    const long result = real.wait4(child, status, 0, nullptr);
    return result < 0 ? -std::exchange(errno, before) : result;
}

}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

pid_t brio_posix_wait4(pid_t child, int* status, int options, rusage* usage) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.wait4(child, status, options, usage);
    return static_cast<pid_t>(answer(wait4_on_fiber(*self, child, status, options, usage)));
}

pid_t brio_posix_wait3(int* status, int options, rusage* usage) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.wait3(status, options, usage);
    return static_cast<pid_t>(answer(wait4_on_fiber(*self, -1, status, options, usage)));
}

pid_t brio_posix_waitpid(pid_t child, int* status, int options) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.waitpid(child, status, options);
    return static_cast<pid_t>(answer(wait4_on_fiber(*self, child, status, options, nullptr)));
}

pid_t brio_posix_wait(int* status) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.wait(status);
    return static_cast<pid_t>(answer(wait4_on_fiber(*self, -1, status, 0, nullptr)));
}

int brio_posix_waitid(idtype_t kind, id_t id, siginfo_t* change, int options) {
    fiber* const self = suspendable_fiber();
    const awaited who = {kind, id, options};
    if (self == nullptr || is_nonblocking(who)) return real.waitid(kind, id, change, options);
    return static_cast<int>(answer(waitid_on_fiber(*self, who, change)));
}

}  // extern "C"

BRIO_INTERPOSE(wait);
BRIO_INTERPOSE(wait3);
BRIO_INTERPOSE(wait4);
BRIO_INTERPOSE(waitid);
BRIO_INTERPOSE(waitpid);
