// recv, recvfrom, recvmsg, send, sendto, sendmsg: sockets.
//
// 1. First an attempt with MSG_DONTWAIT. What the kernel answers then is the answer, but for EAGAIN
//    on a blocking descriptor and, where the call asks for all (MSG_WAITALL, each blocking send), a
//    part. The attempt raises SIGPIPE as the plain call does.
// 2. Only stream sockets go on after a part: a datagram is one message.
// 3. The reactor's send and sendmsg never raise SIGPIPE, so that is done here; as the kernel, only
//    where nothing had been sent before.
//    They are for stream sockets only: io_uring sends a unix datagram that found its receiver's queue
//    full again without the bytes, which it had copied by then. Each attempt at a datagram is one
//    that does not block.
// 4. What has been moved is never lost: an error, a timeout or a cancel after a part answers the part.
// 5. MSG_OOB and MSG_ERRQUEUE never wait, in blocking mode neither (ip(7); what unix sockets, which
//    know no MSG_ERRQUEUE, make of it is not imitated).

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/deadlines.hpp"
#include "posix/descriptors.hpp"
#include "posix/interpose.hpp"
#include "posix/kept_open.hpp"
#include "posix/messages.hpp"
#include "posix/parts.hpp"
#include "posix/readiness.hpp"
#include "posix/real.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <limits.h>
#include <utility>

namespace brio::inline v0::detail::posix {

namespace {

/// To this thread, as the kernel does: blocked it stays pending, ignored it is lost.
void raise_sigpipe() noexcept {
    const long process = system_call(SYS_getpid);
    const long thread = system_call(SYS_gettid);
    system_call(SYS_tgkill, process, thread, SIGPIPE);
}

operation on_buffer(operation::code what, int fd, void* data, std::size_t size,
                    int flags) noexcept {
    operation op;
    op.what = what;
    op.fd = fd;
    op.address = data;
    op.length = static_cast<std::uint32_t>(std::min<std::size_t>(size, INT_MAX));
    op.flags = static_cast<std::uint32_t>(flags);
    return op;
}

operation on_message(operation::code what, int fd, msghdr& message, int flags) noexcept {
    operation op;
    op.what = what;
    op.fd = fd;
    op.address = &message;
    op.length = 1;
    op.flags = static_cast<std::uint32_t>(flags);
    return op;
}

// ---------------------------------------------------------------------------------- receiving

/// The kernel has no readiness for "as much as I want to peek at", so this looks again and again.
long peek_all(fiber& self, int fd, const msghdr& asked, msghdr& message, int flags,
              std::size_t wanted, std::optional<time_point> until) noexcept {
    constexpr auto pause = std::chrono::milliseconds(1);
    kept_open file(fd);
    file.keep();
    for (;;) {
        message = asked;
        const long seen = system_call(SYS_recvmsg, file.fd(), &message, flags | MSG_DONTWAIT);
        if ((seen < 0 && seen != -EAGAIN) || seen == 0) return seen;
        if (seen > 0 && static_cast<std::size_t>(seen) >= wanted) return seen;
        if (until && self.owner.now() >= *until) return seen;
        const long paused = sleep_until(self, from_now(self, pause));
        if (paused != -ETIME) return seen > 0 ? seen : paused;
    }
}

/// One wait, after the attempt with these arguments has answered EAGAIN.
long receive_some(fiber& self, int fd, msghdr& message, int flags,
                  std::optional<time_point> until) noexcept {
    operation op =
        message.msg_iovlen == 1 && message.msg_name == nullptr && message.msg_control == nullptr
            ? on_buffer(operation::code::recv, fd, message.msg_iov->iov_base,
                        message.msg_iov->iov_len, flags)
            : on_message(operation::code::recvmsg, fd, message, flags);
    const long result = wait_for(self, op, until);
    return result == -ETIME ? -EAGAIN : result;
}

/// After the attempt has answered `first`: EAGAIN, or a part of what MSG_WAITALL asks for. `asked` is
/// the message as the caller gave it, `message` what it gets back.
long receive_rest(fiber& self, int fd, const msghdr& asked, msghdr& message, int flags,
                  long first) noexcept {
    const descriptor_facts facts = facts_of(fd);
    if (facts.nonblocking || !facts.is_socket()) return first;
    const bool all = (flags & MSG_WAITALL) != 0 && facts.kind == descriptor_kind::stream_socket;
    if (first > 0 && !all) return first;
    const auto until = limit_of(self, fd, facts, SO_RCVTIMEO);
    const int parts = static_cast<int>(asked.msg_iovlen);
    if (all && (flags & MSG_PEEK) != 0)
        return peek_all(self, fd, asked, message, flags, total_size(asked.msg_iov, parts), until);

    kept_open file(fd);
    if (all) file.keep();
    remaining_parts left(asked.msg_iov, parts);
    long done = std::max(first, 0L);
    left.advance(static_cast<std::size_t>(done));
    for (;;) {
        const auto offered = left.next();
        msghdr rest = asked;
        rest.msg_iov = const_cast<iovec*>(offered.parts);
        rest.msg_iovlen = static_cast<std::size_t>(offered.count);
        const long moved = receive_some(self, file.fd(), rest, flags & ~MSG_WAITALL, until);
        if (moved < 0) return done > 0 ? done : moved;
        message.msg_namelen = rest.msg_namelen;
        message.msg_controllen = rest.msg_controllen;
        message.msg_flags = rest.msg_flags;
        done += moved;
        left.advance(static_cast<std::size_t>(moved));
        if (!all || moved == 0 || left.empty() || has_control(message)) return done;
    }
}

/// Whether the attempt's answer is the call's. `wanted` is asked only where it matters.
template <class Size>
bool is_received(long first, int flags, Size wanted) noexcept {
    if (never_waits(flags)) return true;
    if (first < 0) return first != -EAGAIN;
    return (flags & MSG_WAITALL) == 0 || first == 0 || static_cast<std::size_t>(first) >= wanted();
}

ssize_t receive(fiber& self, int fd, void* data, std::size_t size, int flags, sockaddr* from,
                socklen_t* from_size) noexcept {
    if (refused(self)) return answer(-ECANCELED);
    const long first =
        system_call(SYS_recvfrom, fd, data, size, flags | MSG_DONTWAIT, from, from_size);
    if (is_received(first, flags, [&] { return size; })) return answer(first);
    iovec part = {data, size};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (from != nullptr && from_size != nullptr && first < 0) {
        message.msg_name = from;
        message.msg_namelen = *from_size;
    }
    const msghdr asked = message;
    const long result = receive_rest(self, fd, asked, message, flags, first);
    if (result >= 0 && message.msg_name != nullptr) *from_size = message.msg_namelen;
    return answer(result);
}

}  // namespace

long receive_message(fiber& self, int fd, msghdr* message, int flags) noexcept {
    if (refused(self)) return -ECANCELED;
    // A plain call must not touch the message before the kernel has found that it can be read.
    msghdr asked = {};
    if ((flags & MSG_WAITALL) != 0) asked = *message;
    const long first = system_call(SYS_recvmsg, fd, message, flags | MSG_DONTWAIT);
    const auto wanted = [&] {
        return total_size(asked.msg_iov, static_cast<int>(asked.msg_iovlen));
    };
    if (is_received(first, flags, wanted) || (first > 0 && has_control(*message))) return first;
    if ((flags & MSG_WAITALL) == 0) asked = *message;
    return receive_rest(self, fd, asked, *message, flags, first);
}

void forget_received(const msghdr& message) noexcept {
    for (const cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr;
         c = CMSG_NXTHDR(const_cast<msghdr*>(&message), const_cast<cmsghdr*>(c))) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd;
            std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            forget(fd);
        }
    }
}

// ------------------------------------------------------------------------------------ sending

namespace {

long send_some(fiber& self, int fd, msghdr& message, int flags,
               std::optional<time_point> until) noexcept {
    flags |= MSG_NOSIGNAL;
    operation op =
        message.msg_iovlen == 1 && message.msg_name == nullptr && message.msg_control == nullptr
            ? on_buffer(operation::code::send, fd, message.msg_iov->iov_base,
                        message.msg_iov->iov_len, flags)
            : on_message(operation::code::sendmsg, fd, message, flags);
    const long result = wait_for(self, op, until);
    return result == -ETIME ? -EAGAIN : result;
}

long send_rest_of_stream(fiber& self, int fd, msghdr message, int flags, long first,
                         std::optional<time_point> until) noexcept {
    remaining_parts left(message.msg_iov, static_cast<int>(message.msg_iovlen));
    long done = std::max(first, 0L);
    left.advance(static_cast<std::size_t>(done));
    do {
        if (done > 0) {
            // Descriptors and credentials have gone out with the first byte.
            message.msg_control = nullptr;
            message.msg_controllen = 0;
        }
        const auto offered = left.next();
        message.msg_iov = const_cast<iovec*>(offered.parts);
        message.msg_iovlen = static_cast<std::size_t>(offered.count);
        const long moved = send_some(self, fd, message, flags, until);
        if (moved < 0) {
            if (moved == -EPIPE && done == 0 && (flags & MSG_NOSIGNAL) == 0) raise_sigpipe();
            return done > 0 ? done : moved;
        }
        done += moved;
        left.advance(static_cast<std::size_t>(moved));
    } while (!left.empty());
    return done;
}

/// Pauses that grow from nothing to 10 ms, for what nothing announces.
class growing_pause {
public:
    /// 0, or -ETIME, -ECANCELED (told), -EINTR.
    long take(fiber& self, std::optional<time_point> until) noexcept {
        const duration length =
            std::exchange(next_, std::clamp<duration>(next_ * 2, shortest, longest));
        if (length == duration::zero()) return 0;
        const time_point end = from_now(self, length);
        const bool ends_here = until && *until <= end;
        const long paused = sleep_until(self, ends_here ? *until : end);
        return ends_here || paused != -ETIME ? paused : 0;
    }

private:
    static constexpr duration shortest = std::chrono::milliseconds(1);
    static constexpr duration longest = std::chrono::milliseconds(10);
    duration next_ = duration::zero();
};

/// After an attempt has answered EAGAIN. A unix socket whose own buffer has room counts as writable
/// while the queue of the one it sends to is full, unless it is connected to that one.
long send_datagram(fiber& self, kept_open& file, const msghdr& message, int flags,
                   std::optional<time_point> until) noexcept {
    file.keep();
    growing_pause pause;
    for (;;) {
        const long waited = events_now(file.fd(), POLLOUT) != 0
                                ? pause.take(self, until)
                                : wait_for_events(self, file, POLLOUT, until);
        if (waited < 0) return waited == -ETIME ? -EAGAIN : waited;
        const long sent = system_call(SYS_sendmsg, file.fd(), &message, flags | MSG_DONTWAIT);
        if (sent != -EAGAIN) return sent;
    }
}

}  // namespace

long send_rest(fiber& self, int fd, const descriptor_facts& facts, msghdr message, int flags,
               long first) noexcept {
    if (first >= 0 && facts.kind != descriptor_kind::stream_socket) return first;
    const auto until = limit_of(self, fd, facts, SO_SNDTIMEO);
    kept_open file(fd);
    if (facts.kind != descriptor_kind::stream_socket)
        return send_datagram(self, file, message, flags, until);
    file.keep();
    return send_rest_of_stream(self, file.fd(), message, flags, first, until);
}

namespace {

/// Whether the attempt's answer is the call's. `wanted` is asked only where it matters.
template <class Size>
bool is_sent(long first, int flags, Size wanted) noexcept {
    if (never_waits(flags)) return true;
    if (first < 0) return first != -EAGAIN;
    return static_cast<std::size_t>(first) >= wanted();
}

long send_on(fiber& self, int fd, const msghdr& message, int flags, long first) noexcept {
    const descriptor_facts facts = facts_of(fd);
    if (facts.nonblocking || !facts.is_socket()) return first;
    return send_rest(self, fd, facts, message, flags, first);
}

ssize_t send_buffer(fiber& self, int fd, const void* data, std::size_t size, int flags,
                    const sockaddr* to, socklen_t to_size) noexcept {
    if (refused(self)) return answer(-ECANCELED);
    const long first = system_call(SYS_sendto, fd, data, size, flags | MSG_DONTWAIT, to, to_size);
    if (is_sent(first, flags, [&] { return size; })) return answer(first);
    iovec part = {const_cast<void*>(data), size};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_name = const_cast<sockaddr*>(to);
    message.msg_namelen = to == nullptr ? 0 : to_size;
    return answer(send_on(self, fd, message, flags, first));
}

long send_message(fiber& self, int fd, const msghdr* message, int flags) noexcept {
    if (refused(self)) return -ECANCELED;
    const long first = system_call(SYS_sendmsg, fd, message, flags | MSG_DONTWAIT);
    const auto wanted = [&] {
        return total_size(message->msg_iov, static_cast<int>(message->msg_iovlen));
    };
    return is_sent(first, flags, wanted) ? first : send_on(self, fd, *message, flags, first);
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

ssize_t brio_posix_recv(int fd, void* data, size_t size, int flags) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.recv(fd, data, size, flags);
    return receive(*self, fd, data, size, flags, nullptr, nullptr);
}

ssize_t brio_posix_recvfrom(int fd, void* data, size_t size, int flags, sockaddr* from,
                            socklen_t* from_size) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.recvfrom(fd, data, size, flags, from, from_size);
    return receive(*self, fd, data, size, flags, from, from_size);
}

ssize_t brio_posix_recvmsg(int fd, msghdr* message, int flags) {
    fiber* const self = suspendable_fiber();
    const ssize_t size = self == nullptr ? real.recvmsg(fd, message, flags)
                                         : answer(receive_message(*self, fd, message, flags));
    if (size >= 0 && has_control(*message)) forget_received(*message);
    return size;
}

ssize_t brio_posix_send(int fd, const void* data, size_t size, int flags) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.send(fd, data, size, flags);
    return send_buffer(*self, fd, data, size, flags, nullptr, 0);
}

ssize_t brio_posix_sendto(int fd, const void* data, size_t size, int flags, const sockaddr* to,
                          socklen_t to_size) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.sendto(fd, data, size, flags, to, to_size);
    return send_buffer(*self, fd, data, size, flags, to, to_size);
}

ssize_t brio_posix_sendmsg(int fd, const msghdr* message, int flags) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.sendmsg(fd, message, flags);
    return answer(send_message(*self, fd, message, flags));
}

ssize_t brio_posix___recv_chk(int fd, void* data, size_t size, size_t room, int flags) {
    if (size > room) __chk_fail();
    return brio_posix_recv(fd, data, size, flags);
}

ssize_t brio_posix___recvfrom_chk(int fd, void* data, size_t size, size_t room, int flags,
                                  sockaddr* from, socklen_t* from_size) {
    if (size > room) __chk_fail();
    return brio_posix_recvfrom(fd, data, size, flags, from, from_size);
}

}  // extern "C"

BRIO_INTERPOSE(recv);
BRIO_INTERPOSE(recvfrom);
BRIO_INTERPOSE(recvmsg);
BRIO_INTERPOSE(send);
BRIO_INTERPOSE(sendto);
BRIO_INTERPOSE(sendmsg);
BRIO_INTERPOSE(__recv_chk);
BRIO_INTERPOSE(__recvfrom_chk);
