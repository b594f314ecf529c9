// recvmmsg, sendmmsg: many messages at a time.
//
// 1. The attempt is the kernel's own call with MSG_DONTWAIT, for as many messages as are asked for. What
//    it answers is the answer, but for fewer messages than asked for on a blocking socket: then the
//    fiber waits, and the kernel is asked for the rest.
// 2. An error behind some messages is for the next call: the kernel leaves it with the socket, where
//    poll shows it. So after some messages a socket that shows one is not asked again. (An error queue
//    that nobody reads shows in the same way: then the call ends with what it has.)
// 3. recvmmsg's timeout is the kernel's: it is looked at after each message, and ends no wait. The
//    kernel gets what is left of it with each attempt, and answers what is left then.
// 4. Messages that have been moved are never lost: an error, a timeout or a cancel behind them answers
//    their number.

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
#include <limits.h>

namespace brio::inline v0::detail::posix {

namespace {

struct message_list {
    mmsghdr* messages;
    unsigned count;

    [[nodiscard]] message_list from(long first) const noexcept {
        return {messages + first, count - static_cast<unsigned>(first)};
    }
};

// ---------------------------------------------------------------------------------- receiving

long receive_now(int fd, message_list into, int flags, timespec* timeout) noexcept {
    return system_call(SYS_recvmmsg, fd, into.messages, into.count, flags | MSG_DONTWAIT, timeout);
}

/// The time that the caller has given for the whole call. The kernel has read it, so it can be read.
class whole_time {
public:
    whole_time(const fiber& self, timespec* timeout) noexcept : timeout_(timeout) {
        if (timeout != nullptr) end_ = from_now(self, length_of(*timeout));
    }
    [[nodiscard]] bool is_over() const noexcept {
        return timeout_ != nullptr && timeout_->tv_sec == 0 && timeout_->tv_nsec == 0;
    }
    /// What the kernel is given: it writes there, when it has received something, what is left.
    timespec* left(const fiber& self) noexcept {
        if (timeout_ == nullptr) return nullptr;
        left_ = to_timespec(std::max(end_ - self.owner.now(), duration::zero()));
        return &left_;
    }
    void received_some() noexcept {
        if (timeout_ != nullptr) *timeout_ = left_;
    }

private:
    timespec* const timeout_;
    time_point end_;
    timespec left_ = {};
};

/// Whether the call ends behind the first `done` messages (at least one).
bool ends_behind(message_list into, long done, int flags, const whole_time& time) noexcept {
    if (done == static_cast<long>(into.count) || time.is_over()) return true;
    const bool urgent = (into.messages[done - 1].msg_hdr.msg_flags & MSG_OOB) != 0;
    return urgent || (flags & MSG_WAITFORONE) != 0;
}

/// After the attempt has answered `done` messages, or -EAGAIN, on a socket in blocking mode.
long receive_more(fiber& self, int fd, const descriptor_facts& facts, message_list into, int flags,
                  whole_time& time, long done) noexcept {
    kept_open file(fd);
    done = std::max(done, 0L);
    for (;;) {
        const auto until = limit_of(self, file.fd(), facts, SO_RCVTIMEO);
        const long events = wait_for_events(self, file, POLLIN, until);
        if (events < 0) return done > 0 ? done : events == -ETIME ? -EAGAIN : events;
        if (done > 0 && (events & POLLERR) != 0) return done;
        const long more = receive_now(file.fd(), into.from(done), flags, time.left(self));
        if (more == -EAGAIN) {  // somebody was faster, or poll shows what nobody can receive
            if ((events & POLLIN) == 0)
                perform_any({}, from_now(self, std::chrono::milliseconds(1)));
            continue;
        }
        if (more < 0) return done > 0 ? done : more;
        time.received_some();
        done += more;
        if (ends_behind(into, done, flags, time)) return done;
    }
}

/// MSG_WAITALL on a stream: messages are as long as their buffers, and are waited for one by one.
long receive_whole(fiber& self, int fd, message_list into, int flags, timespec* timeout) noexcept {
    const long checked = receive_now(fd, {into.messages, 0}, flags, timeout);
    if (checked < 0) return checked;
    whole_time time(self, timeout);
    int one_flags = flags & ~MSG_WAITFORONE;
    for (long done = 0;;) {
        mmsghdr& one = into.messages[done];
        const long size = receive_message(self, fd, &one.msg_hdr, one_flags);
        if (size < 0) return done > 0 ? done : size;
        one.msg_len = static_cast<unsigned>(size);
        ++done;
        time.left(self);
        time.received_some();
        if (ends_behind(into, done, one_flags, time)) return done;
        if ((flags & MSG_WAITFORONE) != 0) one_flags |= MSG_DONTWAIT;
    }
}

long receive_many(fiber& self, int fd, message_list into, int flags, timespec* timeout) noexcept {
    if (refused(self)) return -ECANCELED;
    if ((flags & MSG_WAITALL) != 0 && !never_waits(flags) && into.count > 0 &&
        facts_of(fd).kind == descriptor_kind::stream_socket)
        return receive_whole(self, fd, into, flags, timeout);
    const long first = receive_now(fd, into, flags, timeout);
    if (never_waits(flags) || first == 0 || (first < 0 && first != -EAGAIN)) return first;
    whole_time time(self, timeout);
    if (first > 0 && ends_behind(into, first, flags, time)) return first;
    const descriptor_facts facts = facts_of(fd);
    if (facts.nonblocking || !facts.is_socket()) return first;
    return receive_more(self, fd, facts, into, flags, time, first);
}

// ------------------------------------------------------------------------------------ sending

bool is_part(const mmsghdr& m) noexcept {
    return m.msg_len < total_size(m.msg_hdr.msg_iov, static_cast<int>(m.msg_hdr.msg_iovlen));
}

/// One message that would have blocked, or of which a part has been sent: whether all of it has now.
/// `result`: what its sendmsg would have answered.
bool send_one(fiber& self, int fd, const descriptor_facts& facts, mmsghdr& one, int flags,
              long first, long& result) noexcept {
    result = send_rest(self, fd, facts, one.msg_hdr, flags, first);
    if (result < 0) return false;
    one.msg_len = static_cast<unsigned>(result);
    return !is_part(one);
}

/// After the attempt has sent `done` messages, the last one perhaps in part.
long send_more(fiber& self, int fd, const descriptor_facts& facts, message_list from, int flags,
               long done) noexcept {
    kept_open file(fd);
    file.keep();
    long result = 0;
    for (;;) {
        if (done > 0 && is_part(from.messages[done - 1])) {
            mmsghdr& last = from.messages[done - 1];
            if (!send_one(self, file.fd(), facts, last, flags, last.msg_len, result)) return done;
        }
        if (done == static_cast<long>(from.count)) return done;
        const message_list rest = from.from(done);
        long more =
            system_call(SYS_sendmmsg, file.fd(), rest.messages, rest.count, flags | MSG_DONTWAIT);
        if (more == -EAGAIN) {
            const bool whole =
                send_one(self, file.fd(), facts, rest.messages[0], flags, -EAGAIN, result);
            more = result < 0 ? result : 1;
            if (!whole) return more < 0 ? (done > 0 ? done : more) : done + 1;
        }
        if (more < 0) return done > 0 ? done : more;
        done += more;
    }
}

long send_many(fiber& self, int fd, message_list from, int flags) noexcept {
    if (refused(self)) return -ECANCELED;
    from.count = std::min<unsigned>(from.count, IOV_MAX);  // as the kernel
    const long first =
        system_call(SYS_sendmmsg, fd, from.messages, from.count, flags | MSG_DONTWAIT);
    if (never_waits(flags) || first == 0 || (first < 0 && first != -EAGAIN)) return first;
    if (first == static_cast<long>(from.count) && !is_part(from.messages[first - 1])) return first;
    const descriptor_facts facts = facts_of(fd);
    if (facts.nonblocking || !facts.is_socket()) return first;
    return send_more(self, fd, facts, from, flags, std::max(first, 0L));
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

int brio_posix_recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
    fiber* const self = suspendable_fiber();
    const int received =
        self == nullptr
            ? real.recvmmsg(fd, messages, count, flags, timeout)
            : static_cast<int>(answer(receive_many(*self, fd, {messages, count}, flags, timeout)));
    for (int i = 0; i < received; ++i)
        if (has_control(messages[i].msg_hdr)) forget_received(messages[i].msg_hdr);
    return received;
}

int brio_posix_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.sendmmsg(fd, messages, count, flags);
    return static_cast<int>(answer(send_many(*self, fd, {messages, count}, flags)));
}

}  // extern "C"

BRIO_INTERPOSE(recvmmsg);
BRIO_INTERPOSE(sendmmsg);
