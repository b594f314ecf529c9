#include "reactor/direct_call.hpp"

#include "reactor/raw_call.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

namespace brio::inline v0 {
namespace detail {

namespace {

using code = operation::code;

int blocked_or(int result) noexcept {
    return result == -EAGAIN || result == -EINTR ? would_block : result;
}

/// The events that are there now: > 0, 0, or -errno.
int events_now(int fd, unsigned wanted) noexcept {
    pollfd one{fd, static_cast<short>(wanted), 0};
    const timespec at_once{};
    const int count = raw_call(SYS_ppoll, &one, 1, &at_once, 0, 0);
    if (count <= 0) return blocked_or(count) == would_block ? 0 : count;
    return (one.revents & POLLNVAL) != 0 ? -EBADF : one.revents;
}

/// The parts of a read or write.
struct transfer {
    explicit transfer(const operation& op) noexcept {
        const bool is_vector = op.what == code::readv || op.what == code::writev;
        single = {op.address, op.length};
        parts = is_vector ? static_cast<const iovec*>(op.address) : &single;
        count = is_vector ? op.length : 1;
    }
    iovec single;
    const iovec* parts;
    std::size_t count;
};

bool is_read(code what) noexcept {
    return what == code::read || what == code::readv;
}

int transfer_with(const operation& op, int fd, const iovec* parts, std::size_t count,
                  int flags) noexcept {
    // The high half of the offset is not looked at where long has 64 bits.
    return raw_call(is_read(op.what) ? SYS_preadv2 : SYS_pwritev2, fd, parts, count,
                    static_cast<long>(op.offset), 0L, flags);
}

/// For descriptors without non-blocking reads and writes (terminals, inotify, ...). One that is writable takes PIPE_BUF bytes
/// without blocking, and not more for certain.
int transfer_when_ready(const operation& op, int fd) noexcept {
    const transfer t(op);
    const int events = events_now(fd, events_of(op));
    if (events <= 0) return events == 0 ? would_block : events;
    if (is_read(op.what)) return blocked_or(transfer_with(op, fd, t.parts, t.count, 0));
    const auto* part =
        std::find_if(t.parts, t.parts + t.count, [](const iovec& p) { return p.iov_len > 0; });
    if (part == t.parts + t.count) return 0;
    const iovec little = {part->iov_base, std::min<std::size_t>(part->iov_len, PIPE_BUF)};
    return blocked_or(transfer_with(op, fd, &little, 1, 0));
}

/// What blocks there is a disk's business: never ready, and always.
bool is_on_disk(int fd) noexcept {
    struct stat file {};
    if (raw_call(SYS_fstat, fd, &file) != 0) return false;
    return S_ISREG(file.st_mode) || S_ISDIR(file.st_mode) || S_ISBLK(file.st_mode);
}

int try_transfer(const operation& op, int fd) noexcept {
    const transfer t(op);
    const int result = transfer_with(op, fd, t.parts, t.count, RWF_NOWAIT);
    if (result != -EOPNOTSUPP) return blocked_or(result);
    return is_on_disk(fd) ? would_block : transfer_when_ready(op, fd);
}

int recv_with(const operation& op, int fd, int flags) noexcept {
    return raw_call(SYS_recvfrom, fd, op.address, op.length, op.flags | flags, 0, 0);
}
int send_with(const operation& op, int fd, int flags) noexcept {
    return raw_call(SYS_sendto, fd, op.address, op.length, op.flags | flags | MSG_NOSIGNAL, 0, 0);
}

/// There is no flag for one accept that does not block: another thread or process that accepts
/// from the same socket can get there between the look and the call.
int try_accept(const operation& op, int fd) noexcept {
    const int events = events_now(fd, POLLIN);
    if (events <= 0) return events == 0 ? would_block : events;
    return blocked_or(raw_call(SYS_accept4, fd, op.address, op.second, op.flags));
}

int try_poll(const operation& op, int fd) noexcept {
    const int events = events_now(fd, op.flags);
    return events == 0 ? would_block : events;
}

}  // namespace

int try_call(const operation& op, int fd) noexcept {
    switch (op.what) {
        case code::read:
        case code::readv:
        case code::write:
        case code::writev:
            return try_transfer(op, fd);
        case code::recv:
            return blocked_or(recv_with(op, fd, MSG_DONTWAIT));
        case code::send:
            return blocked_or(send_with(op, fd, MSG_DONTWAIT));
        case code::recvmsg:
            return blocked_or(raw_call(SYS_recvmsg, fd, op.address, op.flags | MSG_DONTWAIT));
        case code::sendmsg:
            return blocked_or(
                raw_call(SYS_sendmsg, fd, op.address, op.flags | MSG_DONTWAIT | MSG_NOSIGNAL));
        case code::accept:
            return try_accept(op, fd);
        case code::poll:
            return try_poll(op, fd);
        default:
            return -EOPNOTSUPP;  // nothing that epoll can wait for
    }
}

int blocking_call_of(const operation& op) noexcept {
    const transfer t(op);
    switch (op.what) {
        case code::read:
        case code::readv:
        case code::write:
        case code::writev:
            return transfer_with(op, op.fd, t.parts, t.count, 0);
        case code::openat:
            return raw_call(SYS_openat, op.fd, op.address, op.flags, op.length);
        case code::close:
            return raw_call(SYS_close, op.fd);
        case code::fsync:
            return raw_call(op.flags != 0 ? SYS_fdatasync : SYS_fsync, op.fd);
        case code::statx:
            return raw_call(SYS_statx, op.fd, op.address, op.flags, op.length, op.second);
        case code::renameat:
            return raw_call(SYS_renameat2, op.fd, op.address, static_cast<int>(op.flags), op.second,
                            0);
        case code::unlinkat:
            return raw_call(SYS_unlinkat, op.fd, op.address, op.flags);
        case code::mkdirat:
            return raw_call(SYS_mkdirat, op.fd, op.address, op.length);
        default:
            return -EOPNOTSUPP;
    }
}

unsigned events_of(const operation& op) noexcept {
    switch (op.what) {
        case code::read:
        case code::readv:
        case code::accept:
            return EPOLLIN | EPOLLRDHUP;
        case code::recv:
        case code::recvmsg:
            return EPOLLIN | EPOLLRDHUP | ((op.flags & MSG_OOB) != 0 ? EPOLLPRI : 0U);
        case code::poll:
            return op.flags;
        default:
            return EPOLLOUT;
    }
}

/// The one place that changes a descriptor's mode, for the length of one call: connect has no flag
/// that makes a single call not block. A socket that is not connected yet is hardly ever shared.
int start_connect(const operation& op) noexcept {
    const int mode = raw_call(SYS_fcntl, op.fd, F_GETFL);
    if (mode < 0) return mode;
    const bool was_blocking = (mode & O_NONBLOCK) == 0;
    if (was_blocking) raw_call(SYS_fcntl, op.fd, F_SETFL, mode | O_NONBLOCK);
    const int result = raw_call(SYS_connect, op.fd, op.address, op.length);
    if (was_blocking) raw_call(SYS_fcntl, op.fd, F_SETFL, mode);
    return result == -EALREADY ? -EINPROGRESS : result;
}

int finish_connect(const operation& op, int fd) noexcept {
    const int events = events_now(fd, POLLOUT);
    if (events <= 0) return events == 0 ? would_block : events;
    int error = 0;
    socklen_t size = sizeof error;
    const int result = raw_call(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (result < 0 || error != 0) return result < 0 ? result : -error;
    // The socket still counts as connecting until it is asked once more: the user's next connect
    // would be told 0, and not EISCONN. It is connected, so this does not block.
    const int settled = raw_call(SYS_connect, fd, op.address, op.length);
    return settled == -EISCONN ? 0 : settled;
}

}  // namespace detail
}  // namespace brio::inline v0
