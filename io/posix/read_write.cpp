// read, readv, write, writev: any descriptor.
//
// 1. First an attempt that cannot block: preadv2 and pwritev2 with RWF_NOWAIT at the file position.
//    What the kernel answers then is the answer, but for:
//      EAGAIN       it would have blocked. Blocking mode: wait. O_NONBLOCK: that is the answer; not
//                   for disk files, whose data is just not in memory yet.
//      EOPNOTSUPP   no such attempt on this kind of file (terminals, ext4 writes, pipes before Linux
//                   6.4): see transfer_without_nowait.
//      a part       enough for a read, but of a disk file; a blocking write goes on until all is
//                   taken.
// 2. What has been moved is never lost: an error, a timeout or a cancel after a part answers the part.
// 3. Nothing to move, and lengths that read(2) and readv(2) judge in their own ways, go to the plain
//    call: they cannot block.

#include "base/feature_mask.hpp"
#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/deadlines.hpp"
#include "posix/descriptors.hpp"
#include "posix/interpose.hpp"
#include "posix/kept_open.hpp"
#include "posix/parts.hpp"
#include "posix/real.hpp"

#include <algorithm>
#include <limits.h>
#include <sys/stat.h>

namespace brio::inline v0::detail::posix {

namespace {

enum class direction { in, out };

long plain(direction d, int fd, const iovec* parts, int count) noexcept {
    return system_call(d == direction::in ? SYS_readv : SYS_writev, fd, parts, count);
}

/// A pipe is to behave as before Linux 6.4, for a test.
bool is_masked_pipe(int fd) noexcept {
    static const bool hidden = masked(feature::pipe_nowait);
    struct stat file = {};
    return hidden && system_call(SYS_fstat, fd, &file) == 0 && S_ISFIFO(file.st_mode);
}

long attempt_with(direction d, int fd, const iovec* parts, int count) noexcept {
    constexpr long at_file_position = -1;
    return system_call(d == direction::in ? SYS_preadv2 : SYS_pwritev2, fd, parts, count,
                       at_file_position, at_file_position, RWF_NOWAIT);
}

long attempt(direction d, int fd, const iovec* parts, int count) noexcept {
    if (known_to_refuse_nowait(fd)) return -EOPNOTSUPP;
    if (is_masked_pipe(fd)) {
        // The kernel looks at the direction first.
        const long checked = attempt_with(d, fd, nullptr, 0);
        return checked < 0 ? checked : -EOPNOTSUPP;
    }
    return attempt_with(d, fd, parts, count);
}

/// One operation of the reactor on what is offered, at the file position or on a stream.
long wait_and_move(fiber& self, direction d, int fd, remaining_parts::offer o,
                   std::optional<time_point> until) noexcept {
    operation op;
    op.fd = fd;
    if (o.count == 1) {
        op.what = d == direction::in ? operation::code::read : operation::code::write;
        op.address = o.parts->iov_base;
        op.length = static_cast<std::uint32_t>(std::min<std::size_t>(o.parts->iov_len, INT_MAX));
    } else {
        op.what = d == direction::in ? operation::code::readv : operation::code::writev;
        op.address = const_cast<iovec*>(o.parts);
        op.length = static_cast<std::uint32_t>(o.count);
    }
    return wait_for(self, op, until);
}

long wait_for_events(fiber& self, kept_open& file, short events) noexcept {
    file.keep();
    operation op;
    op.what = operation::code::poll;
    op.fd = file.fd();
    op.flags = static_cast<std::uint32_t>(events);
    return wait_for(self, op);
}

bool is_ready(int fd, short events) noexcept {
    pollfd item = {fd, events, 0};
    timespec none = {};
    return system_call(SYS_ppoll, &item, 1, &none, nullptr, 0) != 0;
}

/// What a call that does not wait answers where there is nothing to move.
long refusal(direction d, int fd) noexcept {
    const long checked = plain(d, fd, nullptr, 0);  // the kernel looks at the direction first
    return checked < 0 ? checked : -EAGAIN;
}

/// Files that refuse RWF_NOWAIT: asked with poll whether the plain call would block, also in
/// non-blocking mode, which another thread may just be ending. A ready pipe has room for PIPE_BUF
/// bytes, so no more is offered at once.
long transfer_without_nowait(fiber& self, direction d, int fd, const iovec* parts,
                             int count) noexcept {
    const descriptor_facts facts = facts_of(fd);
    note_nowait_refused(fd);
    if (facts.kind == descriptor_kind::disk || facts.kind == descriptor_kind::none)
        return plain(d, fd, parts, count);
    remaining_parts left(parts, count);
    kept_open file(fd);
    const short events = d == direction::in ? POLLIN : POLLOUT;
    long done = 0;
    while (!left.empty()) {
        if (!is_ready(file.fd(), events)) {
            if (facts.nonblocking) return done > 0 ? done : refusal(d, file.fd());
            const long waited = wait_for_events(self, file, events);
            if (waited < 0) return done > 0 ? done : waited;
            continue;
        }
        const auto offered = left.next(d == direction::out ? PIPE_BUF : 0);
        const long moved = plain(d, file.fd(), offered.parts, offered.count);
        if (moved < 0) return done > 0 ? done : moved;
        done += moved;
        if (d == direction::in || moved == 0) break;
        left.advance(static_cast<std::size_t>(moved));
    }
    return done;
}

/// A disk file goes on to the last byte or the end of the file, and no cancel cuts that short.
long transfer_rest_of_disk_file(fiber& self, direction d, int fd, remaining_parts& left,
                                long done) noexcept {
    const not_cut_short whole(self);
    while (!left.empty()) {
        const auto offered = left.next();
        long moved = attempt(d, fd, offered.parts, offered.count);
        if (moved == -EAGAIN) moved = wait_and_move(self, d, fd, offered, {});
        if (moved < 0) return done > 0 ? done : moved;
        if (moved == 0) break;
        done += moved;
        left.advance(static_cast<std::size_t>(moved));
    }
    return done;
}

/// The attempt would have blocked, or has moved a part (`done`).
long transfer_rest(fiber& self, direction d, int fd, const iovec* parts, int count,
                   long done) noexcept {
    const descriptor_facts facts = facts_of(fd);
    remaining_parts left(parts, count);
    left.advance(static_cast<std::size_t>(done));
    if (facts.kind == descriptor_kind::disk)
        return transfer_rest_of_disk_file(self, d, fd, left, done);
    if (done > 0 && d == direction::in) return done;
    if (facts.nonblocking) return done > 0 ? done : -EAGAIN;
    const auto until = limit_of(self, fd, facts, d == direction::in ? SO_RCVTIMEO : SO_SNDTIMEO);
    kept_open file(fd);
    if (d == direction::out) file.keep();
    while (!left.empty()) {
        long moved = wait_and_move(self, d, file.fd(), left.next(), until);
        if (moved == -ETIME) moved = -EAGAIN;
        if (moved < 0) return done > 0 ? done : moved;
        done += moved;
        if (moved == 0 || d == direction::in) return done;
        left.advance(static_cast<std::size_t>(moved));
    }
    return done;
}

long transfer(fiber& self, direction d, int fd, const iovec* parts, int count) noexcept {
    if (cancel_is_due(self) && facts_of(fd).kind != descriptor_kind::disk && refused(self))
        return -ECANCELED;
    const long moved = attempt(d, fd, parts, count);
    if (moved == -EOPNOTSUPP) return transfer_without_nowait(self, d, fd, parts, count);
    if (moved == -EAGAIN) return transfer_rest(self, d, fd, parts, count, 0);
    if (moved <= 0 || static_cast<std::size_t>(moved) == total_size(parts, count)) return moved;
    return transfer_rest(self, d, fd, parts, count, moved);
}

/// Whether the plain call has to judge the length.
bool is_odd(std::size_t size) noexcept {
    return size == 0 || size > SSIZE_MAX;
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

ssize_t brio_posix_read(int fd, void* data, size_t size) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || is_odd(size)) return real.read(fd, data, size);
    const iovec part = {data, size};
    return as_libc(transfer(*self, direction::in, fd, &part, 1));
}

ssize_t brio_posix_write(int fd, const void* data, size_t size) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || is_odd(size)) return real.write(fd, data, size);
    const iovec part = {const_cast<void*>(data), size};
    return as_libc(transfer(*self, direction::out, fd, &part, 1));
}

ssize_t brio_posix_readv(int fd, const iovec* parts, int count) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || count <= 0) return real.readv(fd, parts, count);
    return as_libc(transfer(*self, direction::in, fd, parts, count));
}

ssize_t brio_posix_writev(int fd, const iovec* parts, int count) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || count <= 0) return real.writev(fd, parts, count);
    return as_libc(transfer(*self, direction::out, fd, parts, count));
}

ssize_t brio_posix___read_chk(int fd, void* data, size_t size, size_t room) {
    if (size > room) __chk_fail();
    return brio_posix_read(fd, data, size);
}

}  // extern "C"

BRIO_INTERPOSE(read);
BRIO_INTERPOSE(write);
BRIO_INTERPOSE(readv);
BRIO_INTERPOSE(writev);
BRIO_INTERPOSE(__read_chk);
