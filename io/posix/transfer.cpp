// How bytes are moved: any descriptor, at the file position or at an offset.
//
// 1. First an attempt that cannot block: preadv2 and pwritev2 with RWF_NOWAIT. What the kernel answers
//    then is the answer, but for:
//      EAGAIN       it would have blocked. Blocking mode: wait. O_NONBLOCK: that is the answer; not
//                   for disk files, whose data is just not in memory yet.
//      EOPNOTSUPP   no such attempt on this kind of file (terminals, ext4 writes, pipes before Linux
//                   6.4): see transfer_without_nowait.
//      a part       enough for a read, but of a disk file; a blocking write goes on until all is
//                   taken.
// 2. What has been moved is never lost: an error, a timeout or a cancel after a part answers the part.
// 3. RWF_* flags mean something to disk files only: there one plain call on a helper thread makes
//    them true. Streams judge them in the attempt, and what waits afterwards has none.

#include "posix/transfer.hpp"

#include "base/feature_mask.hpp"
#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/deadlines.hpp"
#include "posix/descriptors.hpp"
#include "posix/file_thread_call.hpp"
#include "posix/kept_open.hpp"
#include "posix/parts.hpp"
#include "posix/readiness.hpp"

#include <algorithm>
#include <limits.h>
#include <sys/stat.h>

namespace brio::inline v0::detail::posix {

namespace {

/// What every kind of file takes; others some only, and a stream that refuses one does so at once.
constexpr int usual_flags = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND;

long plain(direction d, int fd, const iovec* parts, int count, placement where) noexcept {
    return system_call(d == direction::in ? SYS_preadv2 : SYS_pwritev2, fd, parts, count,
                       where.offset, where.offset, where.flags);
}

/// A pipe is to behave as before Linux 6.4, for a test.
bool is_masked_pipe(int fd) noexcept {
    static const bool hidden = masked(feature::pipe_nowait);
    struct stat file = {};
    return hidden && system_call(SYS_fstat, fd, &file) == 0 && S_ISFIFO(file.st_mode);
}

long attempt(direction d, int fd, const iovec* parts, int count, placement where) noexcept {
    if (known_to_refuse_nowait(fd, d)) return -EOPNOTSUPP;
    where.flags |= RWF_NOWAIT;
    if (is_masked_pipe(fd)) {
        // The kernel looks at the direction first.
        const long checked = plain(d, fd, nullptr, 0, where);
        return checked < 0 ? checked : -EOPNOTSUPP;
    }
    return plain(d, fd, parts, count, where);
}

/// One operation of the reactor on what is offered.
long wait_and_move(fiber& self, direction d, int fd, remaining_parts::offer o, placement where,
                   std::optional<time_point> until) noexcept {
    operation op;
    op.fd = fd;
    op.offset = static_cast<std::uint64_t>(where.offset);
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

/// What a call that does not wait answers where there is nothing to move.
long refusal(direction d, int fd) noexcept {
    const long checked = plain(d, fd, nullptr, 0, {});  // the kernel looks at the direction first
    return checked < 0 ? checked : -EAGAIN;
}

/// Files that refuse RWF_NOWAIT: asked with poll whether the plain call would block, also in
/// non-blocking mode, which another thread may just be ending. A ready pipe has room for PIPE_BUF
/// bytes, so no more is offered at once.
long transfer_without_nowait(fiber& self, direction d, int fd, const iovec* parts, int count,
                             placement where) noexcept {
    const descriptor_facts facts = facts_of(fd);
    note_nowait_refused(fd, d);
    if (facts.kind == descriptor_kind::disk || facts.kind == descriptor_kind::none)
        return plain(d, fd, parts, count, where);
    remaining_parts left(parts, count);
    kept_open file(fd);
    const short events = d == direction::in ? POLLIN : POLLOUT;
    long done = 0;
    while (!left.empty()) {
        if (events_now(file.fd(), events) == 0) {
            if (facts.nonblocking) return done > 0 ? done : refusal(d, file.fd());
            const long waited = wait_for_events(self, file, events);
            if (waited < 0) return done > 0 ? done : waited;
            continue;
        }
        const auto offered = left.next(d == direction::out ? PIPE_BUF : 0);
        const long moved = plain(d, file.fd(), offered.parts, offered.count, where);
        if (moved < 0) return done > 0 ? done : moved;
        done += moved;
        if (d == direction::in || moved == 0) break;
        left.advance(static_cast<std::size_t>(moved));
        where.advance(moved);
    }
    return done;
}

/// A disk file goes on to the last byte or the end of the file, and no cancel cuts that short.
long transfer_rest_of_disk_file(fiber& self, direction d, int fd, remaining_parts& left,
                                placement where, long done) noexcept {
    const not_cut_short whole(self);
    while (!left.empty()) {
        const auto offered = left.next();
        long moved = attempt(d, fd, offered.parts, offered.count, where);
        if (moved == -EAGAIN) moved = wait_and_move(self, d, fd, offered, where, {});
        if (moved < 0) return done > 0 ? done : moved;
        if (moved == 0) break;
        done += moved;
        left.advance(static_cast<std::size_t>(moved));
        where.advance(moved);
    }
    return done;
}

/// The attempt would have blocked, or has moved a part (`done`).
long transfer_rest(fiber& self, direction d, int fd, const iovec* parts, int count, placement where,
                   long done) noexcept {
    const descriptor_facts facts = facts_of(fd);
    remaining_parts left(parts, count);
    left.advance(static_cast<std::size_t>(done));
    where.advance(done);
    if (facts.kind == descriptor_kind::disk)
        return transfer_rest_of_disk_file(self, d, fd, left, where, done);
    if (done > 0 && d == direction::in) return done;
    if (facts.nonblocking) return done > 0 ? done : -EAGAIN;
    const auto until = limit_of(self, fd, facts, d == direction::in ? SO_RCVTIMEO : SO_SNDTIMEO);
    kept_open file(fd);
    if (d == direction::out) file.keep();
    while (!left.empty()) {
        long moved = wait_and_move(self, d, file.fd(), left.next(), where, until);
        if (moved == -ETIME) moved = -EAGAIN;
        if (moved < 0) return done > 0 ? done : moved;
        done += moved;
        if (moved == 0 || d == direction::in) return done;
        left.advance(static_cast<std::size_t>(moved));
        where.advance(moved);
    }
    return done;
}

bool is_on_disk(int fd) noexcept {
    return facts_of(fd).kind == descriptor_kind::disk;
}

}  // namespace

long transfer(fiber& self, direction d, int fd, const iovec* parts, int count,
              placement where) noexcept {
    if (cancel_is_due(self) && !is_on_disk(fd) && refused(self)) return -ECANCELED;
    if (where.flags != 0 && is_on_disk(fd)) {
        kept_open file(fd);
        file.keep();
        return on_file_thread(self, "preadv2 or pwritev2", [&, kept = file.fd()] {
            return plain(d, kept, parts, count, where);
        });
    }
    if ((where.flags & ~usual_flags) != 0) return plain(d, fd, parts, count, where);
    const long moved = attempt(d, fd, parts, count, where);
    if (moved == -EOPNOTSUPP) return transfer_without_nowait(self, d, fd, parts, count, where);
    if (moved == -EAGAIN) return transfer_rest(self, d, fd, parts, count, where, 0);
    if (moved <= 0 || static_cast<std::size_t>(moved) == total_size(parts, count)) return moved;
    return transfer_rest(self, d, fd, parts, count, where, moved);
}

}  // namespace brio::inline v0::detail::posix
