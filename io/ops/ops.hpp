#pragma once
// The system calls that suspend: one function per operation of the reactor, with the system call's
// name and arguments. What the kernel answers is returned as it is; what to make of an error is the
// caller's business.
//
// Each of them
// - returns what the system call returns, or -errno: short counts happen;
// - **Suspends** always (the result comes back through the loop);
// - **Cancellation** throws cancelled_error when a cancel ended it, and then it has not happened;
//   one that has happened returns its result, and the cancel stays pending. close() is no
//   cancellation point;
// - **Throws** usage_error outside fibers;
// - **Ownership** uses the caller's memory, which may be on the fiber's stack, until it returns.

#include <brio/version.hpp>

#include <cstddef>
#include <cstdint>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

struct statx;

namespace brio::inline v0 {
namespace detail::ops {

/// For descriptors that have no position, and for the position of those that have one.
inline constexpr std::uint64_t current_position = UINT64_MAX;

ssize_t read(int fd, void* buffer, std::size_t length, std::uint64_t offset = current_position);
ssize_t write(int fd, const void* data, std::size_t length,
              std::uint64_t offset = current_position);
ssize_t readv(int fd, const iovec* parts, int count, std::uint64_t offset = current_position);
ssize_t writev(int fd, const iovec* parts, int count, std::uint64_t offset = current_position);

ssize_t recv(int fd, void* buffer, std::size_t length, int flags = 0);
ssize_t recvmsg(int fd, msghdr* message, int flags = 0);
/// Raises no SIGPIPE.
ssize_t send(int fd, const void* data, std::size_t length, int flags = 0);
/// Raises no SIGPIPE.
ssize_t sendmsg(int fd, const msghdr* message, int flags = 0);
/// accept4. The new descriptor is the caller's, also when a cancel is pending.
int accept(int fd, sockaddr* peer, socklen_t* length, int flags);
int connect(int fd, const sockaddr* peer, socklen_t length);

/// One descriptor: the POLL* events that came.
int poll(int fd, short events);

/// The new descriptor is the caller's, also when a cancel is pending.
int openat(int directory, const char* path, int flags, mode_t mode = 0);
int close(int fd);
int fsync(int fd);
int fdatasync(int fd);
int statx(int directory, const char* path, int flags, unsigned mask, struct statx* result);
int renameat(int directory, const char* path, int new_directory, const char* new_path);
int unlinkat(int directory, const char* path, int flags);
int mkdirat(int directory, const char* path, mode_t mode);
/// `to` has no position; one of the two is a pipe. -EOPNOTSUPP where the reactor cannot. The number
/// `from` must stand for the same file until it returns: the kernel looks it up late.
ssize_t splice(int from, std::uint64_t offset, int to, std::size_t length);

}  // namespace detail::ops
}  // namespace brio::inline v0
