// The system calls behind the hooks, and how libc's functions take their place.

#include "posix/real.hpp"

#include "base/system_call.hpp"

#include <cerrno>
#include <cstdarg>
#include <dlfcn.h>

// Weak: a static executable without any other use of dlsym does not get it, and needs none.
extern "C" __attribute__((weak)) decltype(dlsym) dlsym;
extern "C" int __sigaction(int, const struct sigaction*, struct sigaction*) noexcept;

namespace brio::inline v0::detail::posix {

namespace {

int as_int(long result) noexcept {
    return static_cast<int>(as_libc(result));
}

timespec milliseconds(int count) noexcept {
    return {count / 1000, count % 1000 * 1'000'000L};
}

int raw_poll(pollfd* items, nfds_t count, int timeout) noexcept {
    timespec limit = milliseconds(timeout);
    return as_int(system_call(SYS_ppoll, items, count, timeout < 0 ? nullptr : &limit, nullptr,
                              kernel_sigset_size));
}

int raw_ppoll(pollfd* items, nfds_t count, const timespec* timeout, const sigset_t* mask) noexcept {
    timespec limit;  // the kernel writes the rest back
    if (timeout != nullptr) limit = *timeout;
    return as_int(system_call(SYS_ppoll, items, count, timeout == nullptr ? nullptr : &limit, mask,
                              kernel_sigset_size));
}

int raw_pselect(int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
                const timespec* timeout, const sigset_t* mask) noexcept {
    timespec limit;
    if (timeout != nullptr) limit = *timeout;
    const struct {
        const sigset_t* set;
        std::size_t size;
    } mask_and_size = {mask, kernel_sigset_size};
    return as_int(system_call(SYS_pselect6, count, readable, writable, exceptional,
                              timeout == nullptr ? nullptr : &limit, &mask_and_size));
}

int raw_select(int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
               timeval* timeout) noexcept {
    timespec limit;
    if (timeout != nullptr)
        limit = {timeout->tv_sec + timeout->tv_usec / 1'000'000,
                 timeout->tv_usec % 1'000'000 * 1000};
    const long result = system_call(SYS_pselect6, count, readable, writable, exceptional,
                                    timeout == nullptr ? nullptr : &limit, nullptr);
    if (timeout != nullptr) *timeout = {limit.tv_sec, limit.tv_nsec / 1000};
    return as_int(result);
}

unsigned raw_sleep(unsigned seconds) noexcept {
    timespec left = {static_cast<time_t>(seconds), 0};
    return system_call(SYS_nanosleep, &left, &left) == 0 ? 0 : static_cast<unsigned>(left.tv_sec);
}

int raw_usleep(useconds_t length) noexcept {
    const timespec time = {length / 1'000'000, length % 1'000'000 * 1000L};
    return as_int(system_call(SYS_nanosleep, &time, nullptr));
}

int raw_clock_nanosleep(clockid_t clock, int flags, const timespec* time, timespec* left) noexcept {
    return static_cast<int>(-system_call(SYS_clock_nanosleep, clock, flags, time, left));
}

long raw_sigtimedwait(const sigset_t* set, siginfo_t* info, const timespec* timeout) noexcept {
    return system_call(SYS_rt_sigtimedwait, set, info, timeout, kernel_sigset_size);
}

int raw_sigwait(const sigset_t* set, int* signal) noexcept {
    long taken = -EINTR;
    while (taken == -EINTR) taken = raw_sigtimedwait(set, nullptr, nullptr);
    if (taken < 0) return static_cast<int>(-taken);
    *signal = static_cast<int>(taken);
    return 0;
}

int raw_dup2(int from, int to) noexcept {
    if (from != to) return as_int(system_call(SYS_dup3, from, to, 0));
    const long flags = system_call(SYS_fcntl, from, F_GETFD);
    return flags < 0 ? as_int(flags) : to;
}

int raw_fcntl(int fd, int command, ...) noexcept {
    va_list arguments;
    va_start(arguments, command);
    void* const argument = va_arg(arguments, void*);
    va_end(arguments);
    return as_int(system_call(SYS_fcntl, fd, command, argument));
}

int raw_open(const char* path, int flags, ...) noexcept {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = va_arg(arguments, mode_t);
    va_end(arguments);
    return as_int(system_call(SYS_openat, AT_FDCWD, path, flags, mode));
}

int raw_openat(int directory, const char* path, int flags, ...) noexcept {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = va_arg(arguments, mode_t);
    va_end(arguments);
    return as_int(system_call(SYS_openat, directory, path, flags, mode));
}

int raw_remove(const char* path) noexcept {
    const long removed = system_call(SYS_unlinkat, AT_FDCWD, path, 0);
    if (removed != -EISDIR) return as_int(removed);
    return as_int(system_call(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR));
}

int raw_lockf(int fd, int command, off_t size) noexcept {
    struct flock lock = {};
    lock.l_type = static_cast<short>(command == F_ULOCK  ? F_UNLCK
                                     : command == F_TEST ? F_RDLCK
                                                         : F_WRLCK);
    lock.l_whence = SEEK_CUR;
    lock.l_len = size;
    switch (command) {
        case F_LOCK:
            return as_int(system_call(SYS_fcntl, fd, F_SETLKW, &lock));
        case F_TLOCK:
        case F_ULOCK:
            return as_int(system_call(SYS_fcntl, fd, F_SETLK, &lock));
        case F_TEST:
            if (const long asked = system_call(SYS_fcntl, fd, F_GETLK, &lock); asked < 0)
                return as_int(asked);
            return lock.l_type == F_UNLCK || lock.l_pid == ::getpid() ? 0 : as_int(-EACCES);
        default:
            return as_int(-EINVAL);
    }
}

int raw_ioctl(int fd, unsigned long request, ...) noexcept {
    va_list arguments;
    va_start(arguments, request);
    void* const argument = va_arg(arguments, void*);
    va_end(arguments);
    return as_int(system_call(SYS_ioctl, fd, request, argument));
}

// What a lock or a look-up is before libc's has been looked up: the first call does that.

template <auto Member, bool Noexcept, class Result, class... Arguments>
Result look_up_and_call(Arguments... arguments) noexcept(Noexcept) {
    resolve_real_functions();
    return (real.*Member)(arguments...);
}
template <auto Member, class Result, class... Arguments>
constexpr auto late(Result (*real_functions::*)(Arguments...)) noexcept {
    return &look_up_and_call<Member, false, Result, Arguments...>;
}
template <auto Member, class Result, class... Arguments>
constexpr auto late(Result (*real_functions::*)(Arguments...) noexcept) noexcept {
    return &look_up_and_call<Member, true, Result, Arguments...>;
}

}  // namespace

constinit real_functions real = {
    .read = [](int fd, void* data, size_t size) noexcept -> ssize_t {
        return as_libc(system_call(SYS_read, fd, data, size));
    },
    .readv = [](int fd, const iovec* parts, int count) noexcept -> ssize_t {
        return as_libc(system_call(SYS_readv, fd, parts, count));
    },
    .write = [](int fd, const void* data, size_t size) noexcept -> ssize_t {
        return as_libc(system_call(SYS_write, fd, data, size));
    },
    .writev = [](int fd, const iovec* parts, int count) noexcept -> ssize_t {
        return as_libc(system_call(SYS_writev, fd, parts, count));
    },
    .pread = [](int fd, void* data, size_t size, off_t offset) noexcept -> ssize_t {
        return as_libc(system_call(SYS_pread64, fd, data, size, offset));
    },
    .pwrite = [](int fd, const void* data, size_t size, off_t offset) noexcept -> ssize_t {
        return as_libc(system_call(SYS_pwrite64, fd, data, size, offset));
    },
    .preadv = [](int fd, const iovec* parts, int count, off_t offset) noexcept -> ssize_t {
        return as_libc(system_call(SYS_preadv, fd, parts, count, offset, 0));
    },
    .pwritev = [](int fd, const iovec* parts, int count, off_t offset) noexcept -> ssize_t {
        return as_libc(system_call(SYS_pwritev, fd, parts, count, offset, 0));
    },
    .preadv2 = [](int fd, const iovec* parts, int count, off_t offset, int flags) noexcept
    -> ssize_t { return as_libc(system_call(SYS_preadv2, fd, parts, count, offset, 0, flags)); },
    .pwritev2 = [](int fd, const iovec* parts, int count, off_t offset, int flags) noexcept
    -> ssize_t { return as_libc(system_call(SYS_pwritev2, fd, parts, count, offset, 0, flags)); },
    .recvmmsg =
        [](int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) noexcept {
            return as_int(system_call(SYS_recvmmsg, fd, messages, count, flags, timeout));
        },
    .sendmmsg =
        [](int fd, mmsghdr* messages, unsigned count, int flags) noexcept {
            return as_int(system_call(SYS_sendmmsg, fd, messages, count, flags));
        },
    .sendfile = [](int to, int from, off_t* offset, size_t size) noexcept -> ssize_t {
        return as_libc(system_call(SYS_sendfile, to, from, offset, size));
    },
    .splice = [](int from, off64_t* from_offset, int to, off64_t* to_offset, size_t size,
                 unsigned flags) noexcept -> ssize_t {
        return as_libc(system_call(SYS_splice, from, from_offset, to, to_offset, size, flags));
    },
    .tee = [](int from, int to, size_t size, unsigned flags) noexcept -> ssize_t {
        return as_libc(system_call(SYS_tee, from, to, size, flags));
    },
    .copy_file_range = [](int from, off64_t* from_offset, int to, off64_t* to_offset, size_t size,
                          unsigned flags) noexcept -> ssize_t {
        return as_libc(
            system_call(SYS_copy_file_range, from, from_offset, to, to_offset, size, flags));
    },
    .epoll_wait =
        [](int fd, epoll_event* events, int room, int timeout) noexcept {
            return as_int(system_call(SYS_epoll_pwait, fd, events, room, timeout, nullptr,
                                      kernel_sigset_size));
        },
    .epoll_pwait =
        [](int fd, epoll_event* events, int room, int timeout, const sigset_t* mask) noexcept {
            return as_int(
                system_call(SYS_epoll_pwait, fd, events, room, timeout, mask, kernel_sigset_size));
        },
    .epoll_pwait2 =
        [](int fd, epoll_event* events, int room, const timespec* timeout,
           const sigset_t* mask) noexcept {
            return as_int(
                system_call(SYS_epoll_pwait2, fd, events, room, timeout, mask, kernel_sigset_size));
        },
    .recv = [](int fd, void* data, size_t size, int flags) noexcept -> ssize_t {
        return as_libc(system_call(SYS_recvfrom, fd, data, size, flags, nullptr, nullptr));
    },
    .recvfrom = [](int fd, void* data, size_t size, int flags, sockaddr* from,
                   socklen_t* from_size) noexcept -> ssize_t {
        return as_libc(system_call(SYS_recvfrom, fd, data, size, flags, from, from_size));
    },
    .recvmsg = [](int fd, msghdr* message, int flags) noexcept -> ssize_t {
        return as_libc(system_call(SYS_recvmsg, fd, message, flags));
    },
    .send = [](int fd, const void* data, size_t size, int flags) noexcept -> ssize_t {
        return as_libc(system_call(SYS_sendto, fd, data, size, flags, nullptr, 0));
    },
    .sendto = [](int fd, const void* data, size_t size, int flags, const sockaddr* to,
                 socklen_t to_size) noexcept -> ssize_t {
        return as_libc(system_call(SYS_sendto, fd, data, size, flags, to, to_size));
    },
    .sendmsg = [](int fd, const msghdr* message, int flags) noexcept -> ssize_t {
        return as_libc(system_call(SYS_sendmsg, fd, message, flags));
    },
    .connect =
        [](int fd, const sockaddr* to, socklen_t to_size) noexcept {
            return as_int(system_call(SYS_connect, fd, to, to_size));
        },
    .accept =
        [](int fd, sockaddr* from, socklen_t* from_size) noexcept {
            return as_int(system_call(SYS_accept, fd, from, from_size));
        },
    .accept4 =
        [](int fd, sockaddr* from, socklen_t* from_size, int flags) noexcept {
            return as_int(system_call(SYS_accept4, fd, from, from_size, flags));
        },
    .poll = &raw_poll,
    .ppoll = &raw_ppoll,
    .select = &raw_select,
    .pselect = &raw_pselect,
    .sleep = &raw_sleep,
    .usleep = &raw_usleep,
    .nanosleep =
        [](const timespec* time, timespec* left) noexcept {
            return as_int(system_call(SYS_nanosleep, time, left));
        },
    .clock_nanosleep = &raw_clock_nanosleep,
    .getaddrinfo = nullptr,
    .close = [](int fd) noexcept { return as_int(system_call(SYS_close, fd)); },
    .close_range =
        [](unsigned first, unsigned last, int flags) noexcept {
            return as_int(system_call(SYS_close_range, first, last, flags));
        },
    .closefrom =
        [](int first) noexcept { system_call(SYS_close_range, first < 0 ? 0 : first, ~0U, 0); },
    .dup = [](int fd) noexcept { return as_int(system_call(SYS_dup, fd)); },
    .dup2 = &raw_dup2,
    .dup3 = [](int from, int to,
               int flags) noexcept { return as_int(system_call(SYS_dup3, from, to, flags)); },
    .fcntl = &raw_fcntl,
    .flock = [](int fd,
                int operation) noexcept { return as_int(system_call(SYS_flock, fd, operation)); },
    .lockf = &raw_lockf,
    .ioctl = &raw_ioctl,
    .setsockopt =
        [](int fd, int level, int name, const void* value, socklen_t size) noexcept {
            return as_int(system_call(SYS_setsockopt, fd, level, name, value, size));
        },
    .socket =
        [](int domain, int type, int protocol) noexcept {
            return as_int(system_call(SYS_socket, domain, type, protocol));
        },
    .socketpair =
        [](int domain, int type, int protocol, int* both) noexcept {
            return as_int(system_call(SYS_socketpair, domain, type, protocol, both));
        },
    .pipe = [](int* both) noexcept { return as_int(system_call(SYS_pipe2, both, 0)); },
    .pipe2 = [](int* both,
                int flags) noexcept { return as_int(system_call(SYS_pipe2, both, flags)); },
    .eventfd = [](unsigned count,
                  int flags) noexcept { return as_int(system_call(SYS_eventfd2, count, flags)); },
    .pthread_join = [](pthread_t thread,
                       void** result) { return ::pthread_timedjoin_np(thread, result, nullptr); },
    .wait = [](int* status) { return as_int(system_call(SYS_wait4, -1, status, 0, nullptr)); },
    .wait3 =
        [](int* status, int options, rusage* usage) noexcept {
            return as_int(system_call(SYS_wait4, -1, status, options, usage));
        },
    .wait4 =
        [](pid_t child, int* status, int options, rusage* usage) noexcept {
            return as_int(system_call(SYS_wait4, child, status, options, usage));
        },
    .waitid =
        [](idtype_t kind, id_t id, siginfo_t* change, int options) {
            return as_int(system_call(SYS_waitid, kind, id, change, options, nullptr));
        },
    .waitpid =
        [](pid_t child, int* status, int options) {
            return as_int(system_call(SYS_wait4, child, status, options, nullptr));
        },
    .pclose = [](std::FILE* stream) { return std::fclose(stream); },
    .sigwait = &raw_sigwait,
    .sigwaitinfo = [](const sigset_t* set,
                      siginfo_t* info) { return as_int(raw_sigtimedwait(set, info, nullptr)); },
    .sigtimedwait =
        [](const sigset_t* set, siginfo_t* info, const timespec* timeout) {
            return as_int(raw_sigtimedwait(set, info, timeout));
        },
    .pause = []() { return as_int(system_call(SYS_ppoll, nullptr, 0, nullptr, nullptr, 0)); },
    .sigsuspend =
        [](const sigset_t* mask) {
            return as_int(system_call(SYS_rt_sigsuspend, mask, kernel_sigset_size));
        },
    .signal = &::ssignal,
    .pthread_mutex_lock =
        late<&real_functions::pthread_mutex_lock>(&real_functions::pthread_mutex_lock),
    .pthread_mutex_trylock =
        late<&real_functions::pthread_mutex_trylock>(&real_functions::pthread_mutex_trylock),
    .pthread_mutex_timedlock =
        late<&real_functions::pthread_mutex_timedlock>(&real_functions::pthread_mutex_timedlock),
    .pthread_mutex_clocklock =
        late<&real_functions::pthread_mutex_clocklock>(&real_functions::pthread_mutex_clocklock),
    .pthread_mutex_unlock =
        late<&real_functions::pthread_mutex_unlock>(&real_functions::pthread_mutex_unlock),
    .pthread_cond_wait =
        late<&real_functions::pthread_cond_wait>(&real_functions::pthread_cond_wait),
    .pthread_cond_timedwait =
        late<&real_functions::pthread_cond_timedwait>(&real_functions::pthread_cond_timedwait),
    .pthread_cond_clockwait =
        late<&real_functions::pthread_cond_clockwait>(&real_functions::pthread_cond_clockwait),
    .pthread_cond_signal =
        late<&real_functions::pthread_cond_signal>(&real_functions::pthread_cond_signal),
    .pthread_cond_broadcast =
        late<&real_functions::pthread_cond_broadcast>(&real_functions::pthread_cond_broadcast),
    .pthread_rwlock_rdlock =
        late<&real_functions::pthread_rwlock_rdlock>(&real_functions::pthread_rwlock_rdlock),
    .pthread_rwlock_wrlock =
        late<&real_functions::pthread_rwlock_wrlock>(&real_functions::pthread_rwlock_wrlock),
    .pthread_rwlock_timedrdlock = late<&real_functions::pthread_rwlock_timedrdlock>(
        &real_functions::pthread_rwlock_timedrdlock),
    .pthread_rwlock_timedwrlock = late<&real_functions::pthread_rwlock_timedwrlock>(
        &real_functions::pthread_rwlock_timedwrlock),
    .pthread_rwlock_clockrdlock = late<&real_functions::pthread_rwlock_clockrdlock>(
        &real_functions::pthread_rwlock_clockrdlock),
    .pthread_rwlock_clockwrlock = late<&real_functions::pthread_rwlock_clockwrlock>(
        &real_functions::pthread_rwlock_clockwrlock),
    .pthread_rwlock_tryrdlock =
        late<&real_functions::pthread_rwlock_tryrdlock>(&real_functions::pthread_rwlock_tryrdlock),
    .pthread_rwlock_trywrlock =
        late<&real_functions::pthread_rwlock_trywrlock>(&real_functions::pthread_rwlock_trywrlock),
    .pthread_rwlock_unlock =
        late<&real_functions::pthread_rwlock_unlock>(&real_functions::pthread_rwlock_unlock),
    .sem_wait = late<&real_functions::sem_wait>(&real_functions::sem_wait),
    .sem_trywait = late<&real_functions::sem_trywait>(&real_functions::sem_trywait),
    .sem_timedwait = late<&real_functions::sem_timedwait>(&real_functions::sem_timedwait),
    .sem_clockwait = late<&real_functions::sem_clockwait>(&real_functions::sem_clockwait),
    .pthread_barrier_wait =
        late<&real_functions::pthread_barrier_wait>(&real_functions::pthread_barrier_wait),
    .pthread_once = late<&real_functions::pthread_once>(&real_functions::pthread_once),
    .__cxa_guard_acquire =
        late<&real_functions::__cxa_guard_acquire>(&real_functions::__cxa_guard_acquire),
    .stat =
        [](const char* path, struct stat* file) noexcept {
            return as_int(system_call(SYS_newfstatat, AT_FDCWD, path, file, 0));
        },
    .lstat =
        [](const char* path, struct stat* file) noexcept {
            return as_int(system_call(SYS_newfstatat, AT_FDCWD, path, file, AT_SYMLINK_NOFOLLOW));
        },
    .fstatat =
        [](int directory, const char* path, struct stat* file, int flags) noexcept {
            return as_int(system_call(SYS_newfstatat, directory, path, file, flags));
        },
    .fstat = [](int fd,
                struct stat* file) noexcept { return as_int(system_call(SYS_fstat, fd, file)); },
    .statx =
        [](int directory, const char* path, int flags, unsigned wanted,
           struct statx* file) noexcept {
            return as_int(system_call(SYS_statx, directory, path, flags, wanted, file));
        },
    .open = &raw_open,
    .openat = &raw_openat,
    .creat =
        [](const char* path, mode_t mode) {
            return as_int(
                system_call(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode));
        },
    .fsync = [](int fd) { return as_int(system_call(SYS_fsync, fd)); },
    .fdatasync = [](int fd) { return as_int(system_call(SYS_fdatasync, fd)); },
    .syncfs = [](int fd) noexcept { return as_int(system_call(SYS_syncfs, fd)); },
    .sync = []() noexcept { system_call(SYS_sync); },
    .ftruncate = [](int fd,
                    off_t size) noexcept { return as_int(system_call(SYS_ftruncate, fd, size)); },
    .truncate = [](const char* path,
                   off_t size) noexcept { return as_int(system_call(SYS_truncate, path, size)); },
    .fallocate =
        [](int fd, int mode, off_t offset, off_t size) {
            return as_int(system_call(SYS_fallocate, fd, mode, offset, size));
        },
    .posix_fallocate =
        [](int fd, off_t offset, off_t size) {
            return static_cast<int>(-system_call(SYS_fallocate, fd, 0, offset, size));
        },
    .rename =
        [](const char* from, const char* to) noexcept {
            return as_int(system_call(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
        },
    .renameat =
        [](int from_directory, const char* from, int to_directory, const char* to) noexcept {
            return as_int(system_call(SYS_renameat2, from_directory, from, to_directory, to, 0));
        },
    .renameat2 =
        [](int from_directory, const char* from, int to_directory, const char* to,
           unsigned flags) noexcept {
            return as_int(
                system_call(SYS_renameat2, from_directory, from, to_directory, to, flags));
        },
    .unlink =
        [](const char* path) noexcept {
            return as_int(system_call(SYS_unlinkat, AT_FDCWD, path, 0));
        },
    .unlinkat =
        [](int directory, const char* path, int flags) noexcept {
            return as_int(system_call(SYS_unlinkat, directory, path, flags));
        },
    .rmdir =
        [](const char* path) noexcept {
            return as_int(system_call(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR));
        },
    .remove = &raw_remove,
    .mkdir =
        [](const char* path, mode_t mode) noexcept {
            return as_int(system_call(SYS_mkdirat, AT_FDCWD, path, mode));
        },
    .mkdirat =
        [](int directory, const char* path, mode_t mode) noexcept {
            return as_int(system_call(SYS_mkdirat, directory, path, mode));
        },
    .gethostbyname = late<&real_functions::gethostbyname>(&real_functions::gethostbyname),
    .gethostbyname_r = late<&real_functions::gethostbyname_r>(&real_functions::gethostbyname_r),
    .gethostbyname2 = late<&real_functions::gethostbyname2>(&real_functions::gethostbyname2),
    .gethostbyname2_r = late<&real_functions::gethostbyname2_r>(&real_functions::gethostbyname2_r),
    .gethostbyaddr = late<&real_functions::gethostbyaddr>(&real_functions::gethostbyaddr),
    .gethostbyaddr_r = late<&real_functions::gethostbyaddr_r>(&real_functions::gethostbyaddr_r),
    .getnameinfo = late<&real_functions::getnameinfo>(&real_functions::getnameinfo),
    .getservbyname = late<&real_functions::getservbyname>(&real_functions::getservbyname),
    .getservbyname_r = late<&real_functions::getservbyname_r>(&real_functions::getservbyname_r),
    .getservbyport = late<&real_functions::getservbyport>(&real_functions::getservbyport),
    .getservbyport_r = late<&real_functions::getservbyport_r>(&real_functions::getservbyport_r),
    .getprotobyname = late<&real_functions::getprotobyname>(&real_functions::getprotobyname),
    .getprotobyname_r = late<&real_functions::getprotobyname_r>(&real_functions::getprotobyname_r),
    .getprotobynumber = late<&real_functions::getprotobynumber>(&real_functions::getprotobynumber),
    .getprotobynumber_r =
        late<&real_functions::getprotobynumber_r>(&real_functions::getprotobynumber_r),
    .getpwnam = late<&real_functions::getpwnam>(&real_functions::getpwnam),
    .getpwnam_r = late<&real_functions::getpwnam_r>(&real_functions::getpwnam_r),
    .getpwuid = late<&real_functions::getpwuid>(&real_functions::getpwuid),
    .getpwuid_r = late<&real_functions::getpwuid_r>(&real_functions::getpwuid_r),
    .getgrnam = late<&real_functions::getgrnam>(&real_functions::getgrnam),
    .getgrnam_r = late<&real_functions::getgrnam_r>(&real_functions::getgrnam_r),
    .getgrgid = late<&real_functions::getgrgid>(&real_functions::getgrgid),
    .getgrgid_r = late<&real_functions::getgrgid_r>(&real_functions::getgrgid_r),
    .getgrouplist = late<&real_functions::getgrouplist>(&real_functions::getgrouplist),
    .initgroups = late<&real_functions::initgroups>(&real_functions::initgroups),
    .uselocale = late<&real_functions::uselocale>(&real_functions::uselocale),
    .pthread_sigmask = late<&real_functions::pthread_sigmask>(&real_functions::pthread_sigmask),
    .sigprocmask = late<&real_functions::sigprocmask>(&real_functions::sigprocmask),
    .raise = late<&real_functions::raise>(&real_functions::raise),
    .pthread_kill = late<&real_functions::pthread_kill>(&real_functions::pthread_kill),
    .sigaction = &__sigaction,
    .longjmp =
        [](jmp_buf to, int value) noexcept {
            resolve_real_functions();
            real.longjmp(to, value);
        },
    .__longjmp_chk =
        [](jmp_buf to, int value) noexcept {
            resolve_real_functions();
            real.__longjmp_chk(to, value);
        },
};

void resolve_real_functions() noexcept {
    if (&dlsym == nullptr) return;
#define BRIO_RESOLVE(name)                           \
    if (void* const found = dlsym(RTLD_NEXT, #name)) \
        real.name = reinterpret_cast<decltype(real.name)>(found);
    BRIO_REAL_FUNCTIONS(BRIO_RESOLVE)
    BRIO_RESOLVE(sigaction)
    BRIO_RESOLVE(longjmp)
    BRIO_RESOLVE(__longjmp_chk)
#undef BRIO_RESOLVE
}

}  // namespace brio::inline v0::detail::posix
