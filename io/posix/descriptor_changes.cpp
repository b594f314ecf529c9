// The calls that change a descriptor, or make a number mean something new. They are libc's, never wait
// (but fcntl for a lock) and never fail because of a cancel; the layer forgets what it knew. Before the
// call and after it: another thread may ask in between. Brio's own descriptors are not open to them.

#include "base/private_descriptor.hpp"
#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/descriptors.hpp"
#include "posix/interpose.hpp"
#include "posix/real.hpp"
#include "posix/record_locks.hpp"

#include <cerrno>
#include <cstdarg>
#include <unistd.h>

using namespace brio::detail;
using namespace brio::detail::posix;

namespace {

int close_all_but_ours(unsigned first, unsigned last, int flags) noexcept {
    for (;;) {
        const int ours = next_private(first, last);
        if (ours < 0) return real.close_range(first, last, flags);
        const auto kept = static_cast<unsigned>(ours);
        if (kept > first && real.close_range(first, kept - 1, flags) != 0) return -1;
        if (kept == last) return 0;
        first = kept + 1;
    }
}

/// As libc does it where the kernel has no close_range.
void close_each_but_ours(unsigned first) noexcept {
    const long end = ::sysconf(_SC_OPEN_MAX);
    for (long fd = first; fd < end; ++fd)
        if (!is_private(static_cast<int>(fd))) system_call(SYS_close, fd);
}

}  // namespace

extern "C" {

int brio_posix_close(int fd) {
    if (is_private(fd)) return static_cast<int>(answer(-EBADF));
    forget(fd);
    forget_in_reactor(fd);
    return real.close(fd);
}

int brio_posix_close_range(unsigned first, unsigned last, int flags) noexcept {
    forget_range(first, last);
    return close_all_but_ours(first, last, flags);
}

void brio_posix_closefrom(int first) noexcept {
    const unsigned from = first < 0 ? 0 : static_cast<unsigned>(first);
    forget_range(from, ~0U);
    const int before = errno;
    if (next_private(from, ~0U) < 0)
        real.closefrom(first);
    else if (close_all_but_ours(from, ~0U, 0) != 0)
        close_each_but_ours(from);
    errno = before;
}

int brio_posix_dup(int fd) noexcept {
    if (is_private(fd)) return static_cast<int>(answer(-EBADF));
    const int copy = real.dup(fd);
    note_duplicate();
    forget(copy);
    return copy;
}

int brio_posix_dup2(int from, int to) noexcept {
    if (is_private(from) || is_private(to)) return static_cast<int>(answer(-EBADF));
    forget(to);
    forget_in_reactor(to);
    const int copy = real.dup2(from, to);
    note_duplicate();
    forget(to);
    return copy;
}

int brio_posix_dup3(int from, int to, int flags) noexcept {
    if (is_private(from) || is_private(to)) return static_cast<int>(answer(-EBADF));
    forget(to);
    forget_in_reactor(to);
    const int copy = real.dup3(from, to, flags);
    note_duplicate();
    forget(to);
    return copy;
}

int brio_posix_fcntl(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void* const argument = va_arg(arguments, void*);  // an int, a pointer, or nothing
    va_end(arguments);
    if (is_private(fd)) return static_cast<int>(answer(-EBADF));
    if (command == F_SETLKW || command == F_OFD_SETLKW) {
        if (fiber* const self = suspendable_fiber())
            return static_cast<int>(answer(wait_for_record_lock(
                *self, fd, command, static_cast<const struct flock*>(argument))));
    }
    const int result = real.fcntl(fd, command, argument);
    if (command == F_SETFL) forget_open_file(fd);
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
        note_duplicate();
        forget(result);
    }
    return result;
}

int brio_posix_ioctl(int fd, unsigned long request, ...) noexcept {
    va_list arguments;
    va_start(arguments, request);
    void* const argument = va_arg(arguments, void*);
    va_end(arguments);
    const int result = real.ioctl(fd, request, argument);
    if (request == FIONBIO) forget_open_file(fd);
    return result;
}

int brio_posix_setsockopt(int fd, int level, int name, const void* value, socklen_t size) noexcept {
    const int result = real.setsockopt(fd, level, name, value, size);
    if (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO)) forget_open_file(fd);
    return result;
}

int brio_posix_socket(int domain, int type, int protocol) noexcept {
    const int fd = real.socket(domain, type, protocol);
    forget(fd);
    return fd;
}

int brio_posix_socketpair(int domain, int type, int protocol, int* both) noexcept {
    const int result = real.socketpair(domain, type, protocol, both);
    if (result == 0) {
        forget(both[0]);
        forget(both[1]);
    }
    return result;
}

int brio_posix_pipe(int* both) noexcept {
    const int result = real.pipe(both);
    if (result == 0) {
        forget(both[0]);
        forget(both[1]);
    }
    return result;
}

int brio_posix_pipe2(int* both, int flags) noexcept {
    const int result = real.pipe2(both, flags);
    if (result == 0) {
        forget(both[0]);
        forget(both[1]);
    }
    return result;
}

int brio_posix_eventfd(unsigned count, int flags) noexcept {
    const int fd = real.eventfd(count, flags);
    forget(fd);
    return fd;
}

}  // extern "C"

BRIO_INTERPOSE(close);
BRIO_INTERPOSE(close_range);
BRIO_INTERPOSE(closefrom);
BRIO_INTERPOSE(dup);
BRIO_INTERPOSE(dup2);
BRIO_INTERPOSE(dup3);
BRIO_INTERPOSE(fcntl);
BRIO_INTERPOSE(ioctl);
BRIO_INTERPOSE(setsockopt);
BRIO_INTERPOSE(socket);
BRIO_INTERPOSE(socketpair);
BRIO_INTERPOSE(pipe);
BRIO_INTERPOSE(pipe2);
BRIO_INTERPOSE(eventfd);
BRIO_INTERPOSE_ALIAS(fcntl64, fcntl);
