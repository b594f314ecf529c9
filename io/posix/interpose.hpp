#pragma once
// How a function takes libc's place. The function itself is hidden and called brio_posix_NAME; NAME
// is an alias of it with default visibility. So the layer knows its own address even where something
// else has taken the name, and the self-check has something to compare.
//
// None of them is noexcept unless libc's declaration is: on a thread without a loop they are
// cancellation points of pthread_cancel, which unwinds through them.

#include <csetjmp>
#include <csignal>
#include <cstddef>
#include <ctime>
#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>

// Exported by libc, declared nowhere: what _FORTIFY_SOURCE makes of calls.
extern "C" {
[[noreturn]] void __chk_fail(void);
ssize_t __read_chk(int fd, void* data, size_t size, size_t room);
ssize_t __recv_chk(int fd, void* data, size_t size, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void* data, size_t size, size_t room, int flags, sockaddr* from,
                       socklen_t* from_size);
ssize_t __pread_chk(int fd, void* data, size_t size, off_t offset, size_t room);
ssize_t __pread64_chk(int fd, void* data, size_t size, off64_t offset, size_t room);
[[noreturn]] void __longjmp_chk(jmp_buf to, int value) noexcept;
int __open_2(const char* path, int flags);
int __open64_2(const char* path, int flags);
int __openat_2(int directory, const char* path, int flags);
int __openat64_2(int directory, const char* path, int flags);
int __poll(pollfd* items, nfds_t count, int timeout);
int __poll_chk(pollfd* items, nfds_t count, int timeout, size_t room);
int __ppoll_chk(pollfd* items, nfds_t count, const timespec* timeout, const sigset_t* mask,
                size_t room);
}

/// After the definition of brio_posix_NAME, outside namespaces.
#define BRIO_INTERPOSE(name) \
    extern "C"               \
        __attribute__((visibility("default"), alias("brio_posix_" #name))) decltype(name) name

/// The same function under another name, as large-file programs use one: long has 64 bits, and so has off_t.
#define BRIO_INTERPOSE_ALIAS(name, original)                                                     \
    extern "C" __attribute__((alias("brio_posix_" #original))) decltype(name) brio_posix_##name; \
    BRIO_INTERPOSE(name)
