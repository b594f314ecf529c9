// flock, lockf, and fcntl's F_SETLKW and F_OFD_SETLKW (descriptor_changes.cpp): locks of files.
//
// 1. The attempt that does not wait comes first. What then waits is the blocking call itself, on a
//    helper thread that a cancel or a handler calls back (interruptible_call.hpp): so the kernel keeps the order of
//    those who wait, wakes them, and finds deadlocks, which attempts at intervals would not have.
// 2. A lock belongs to the process (F_SETLKW) or to the open file (flock, F_OFD_SETLKW), never to a
//    thread: it does not matter who takes it. No duplicate of the descriptor is made, since closing it
//    would end the process's locks on the file.
// 3. Without a thread there are attempts at intervals.

#include "posix/record_locks.hpp"

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/deadlines.hpp"
#include "posix/interpose.hpp"
#include "posix/interruptible_call.hpp"
#include "posix/real.hpp"

#include <cerrno>
#include <cstdio>
#include <exception>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace brio::inline v0::detail::posix {

namespace {

/// `waiting` returns the call that waits; asked for when the attempt has found the arguments right.
template <class Attempt, class Waiting>
long lock_on_fiber(fiber& self, const char* what, Attempt attempt, Waiting waiting) noexcept {
    if (refused(self)) return -ECANCELED;
    long result = attempt();
    if (result != -EAGAIN) return result;
    try {
        return call_until_interrupted(self, what, waiting());
    } catch (const std::exception&) {  // no memory, no thread
        while (result == -EAGAIN) {
            if (const long napped = nap(self); napped < 0) return napped;
            result = attempt();
        }
        return result;
    }
}

}  // namespace

long wait_for_record_lock(fiber& self, int fd, int command, const struct flock* wanted) noexcept {
    const int at_once = command == F_SETLKW ? F_SETLK : F_OFD_SETLK;
    const auto attempt = [=] { return system_call(SYS_fcntl, fd, at_once, wanted); };
    const auto waiting = [=] {
        return [=, lock = *wanted] { return system_call(SYS_fcntl, fd, command, &lock); };
    };
    return lock_on_fiber(self, "fcntl", attempt, waiting);
}

}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

int brio_posix_flock(int fd, int operation) noexcept {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || (operation & (LOCK_NB | LOCK_UN)) != 0) return real.flock(fd, operation);
    const auto attempt = [=] { return system_call(SYS_flock, fd, operation | LOCK_NB); };
    const auto waiting = [=] { return [=] { return system_call(SYS_flock, fd, operation); }; };
    return static_cast<int>(answer(lock_on_fiber(*self, "flock", attempt, waiting)));
}

int brio_posix_lockf(int fd, int command, off_t size) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || command != F_LOCK) return real.lockf(fd, command, size);
    struct flock wanted = {};
    wanted.l_type = F_WRLCK;
    wanted.l_whence = SEEK_CUR;
    wanted.l_len = size;
    return static_cast<int>(answer(wait_for_record_lock(*self, fd, F_SETLKW, &wanted)));
}

}  // extern "C"

BRIO_INTERPOSE(flock);
BRIO_INTERPOSE(lockf);
BRIO_INTERPOSE_ALIAS(lockf64, lockf);
