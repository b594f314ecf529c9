#pragma once
// What stands behind the hooks: libc's own functions (or those of whoever interposes them after us:
// a sanitizer, another preloaded library).
//
// 1. Until resolve_real_functions() has run, and in static executables for ever, each is the bare
//    system call. So a hook can be called before any constructor has run, and without dlsym, which
//    allocates. Missing then: cancellation points of pthread_cancel.
// 2. getaddrinfo is no system call: null in static executables, which have no hook for it.
//    pthread_join is none either, but has another name: pthread_timedjoin_np without a time. Nor is
//    pclose, whose other name is fclose, and signal, whose is ssignal. sigaction's is __sigaction: the
//    kernel wants a way back from handlers that libc alone knows.
// 3. Locks, look-ups and what changes the thread are no system calls either: the first call of one looks libc's up. Static
//    executables have no hooks for them.

#include "posix/interpose.hpp"

#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <cxxabi.h>
#include <fcntl.h>
#include <grp.h>
#include <locale.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

using __cxxabiv1::__cxa_guard_acquire;  // beside the other functions of its kind

namespace brio::inline v0::detail::posix {

// clang-format off
#define BRIO_REAL_FUNCTIONS(X) \
    X(read) X(readv) X(write) X(writev) X(pread) X(pwrite) X(preadv) X(pwritev) X(preadv2) \
    X(pwritev2) X(recvmmsg) X(sendmmsg) X(sendfile) X(splice) X(tee) X(copy_file_range) \
    X(epoll_wait) X(epoll_pwait) X(epoll_pwait2) X(recv) X(recvfrom) X(recvmsg) X(send) X(sendto) \
    X(sendmsg) X(connect) X(accept) X(accept4) X(poll) X(ppoll) X(select) X(pselect) X(sleep) \
    X(usleep) X(nanosleep) X(clock_nanosleep) X(getaddrinfo) X(close) X(close_range) \
    X(closefrom) X(dup) X(dup2) X(dup3) X(fcntl) X(flock) X(lockf) X(ioctl) X(setsockopt) X(socket) \
    X(socketpair) X(pipe) X(pipe2) X(eventfd) X(pthread_join) X(wait) X(wait3) X(wait4) \
    X(waitid) X(waitpid) X(pclose) X(sigwait) X(sigwaitinfo) X(sigtimedwait) X(pause) \
    X(sigsuspend) X(signal) X(pthread_mutex_lock) X(pthread_mutex_trylock) \
    X(pthread_mutex_timedlock) X(pthread_mutex_clocklock) X(pthread_mutex_unlock) \
    X(pthread_cond_wait) X(pthread_cond_timedwait) X(pthread_cond_clockwait) \
    X(pthread_cond_signal) X(pthread_cond_broadcast) X(pthread_rwlock_rdlock) \
    X(pthread_rwlock_wrlock) X(pthread_rwlock_timedrdlock) X(pthread_rwlock_timedwrlock) \
    X(pthread_rwlock_clockrdlock) X(pthread_rwlock_clockwrlock) X(pthread_rwlock_tryrdlock) \
    X(pthread_rwlock_trywrlock) X(pthread_rwlock_unlock) X(sem_wait) X(sem_trywait) \
    X(sem_timedwait) X(sem_clockwait) X(pthread_barrier_wait) X(pthread_once) \
    X(__cxa_guard_acquire) \
    X(stat) X(lstat) X(fstatat) X(fstat) X(statx) \
    X(open) X(openat) X(creat) X(fsync) X(fdatasync) X(syncfs) X(sync) X(ftruncate) X(truncate) \
    X(fallocate) X(posix_fallocate) X(rename) X(renameat) X(renameat2) X(unlink) X(unlinkat) \
    X(rmdir) X(remove) X(mkdir) X(mkdirat) \
    X(gethostbyname) X(gethostbyname_r) X(gethostbyname2) X(gethostbyname2_r) X(gethostbyaddr) \
    X(gethostbyaddr_r) X(getnameinfo) X(getservbyname) X(getservbyname_r) X(getservbyport) \
    X(getservbyport_r) X(getprotobyname) X(getprotobyname_r) X(getprotobynumber) \
    X(getprotobynumber_r) X(getpwnam) X(getpwnam_r) X(getpwuid) X(getpwuid_r) X(getgrnam) \
    X(getgrnam_r) X(getgrgid) X(getgrgid_r) X(getgrouplist) X(initgroups) \
    X(uselocale) X(pthread_sigmask) X(sigprocmask) X(raise) X(pthread_kill)
// clang-format on

struct real_functions {
#define BRIO_REAL_MEMBER(name) decltype(&::name) name;
    BRIO_REAL_FUNCTIONS(BRIO_REAL_MEMBER)
    int (*sigaction)(int, const struct sigaction*,
                     struct sigaction*) noexcept;  // also a type's name
    // They do not return, which is a part of their type for some compilers.
    void (*longjmp)(jmp_buf, int) noexcept;
    void (*__longjmp_chk)(jmp_buf, int) noexcept;
#undef BRIO_REAL_MEMBER
};

extern real_functions real;

/// Looks libc's functions up. Once, at start-up, before there are threads.
void resolve_real_functions() noexcept;

}  // namespace brio::inline v0::detail::posix
