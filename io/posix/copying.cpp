// sendfile, splice, tee, copy_file_range: the kernel moves the bytes from one descriptor to another.
//
// 1. Between disk files the disk alone is waited for: a helper thread makes the call, and nothing cuts
//    it short.
// 2. Pipes are tried without blocking (SPLICE_F_NONBLOCK); only when that answers EAGAIN does the fiber
//    wait, and tries again.
// 3. Sockets and devices have no attempt that does not block, whatever the flags say. In blocking mode
//    they are waited for first, and then given no more than what one that is ready takes: the call is
//    repeated until all has been taken. (Where another thread fills the same socket in between, the
//    call blocks until there is room again.)
// 4. The kernel moves positions and offsets by what has been moved. It is never lost: an error, a
//    timeout or a cancel after a part answers the part.
// 5. Errors that the plain call would find before it waits are found before the fiber waits.

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/deadlines.hpp"
#include "posix/descriptors.hpp"
#include "posix/file_thread_call.hpp"
#include "posix/interpose.hpp"
#include "posix/kept_open.hpp"
#include "posix/readiness.hpp"
#include "posix/real.hpp"

#include <algorithm>
#include <limits.h>

namespace brio::inline v0::detail::posix {

namespace {

constexpr std::size_t without_limit = SSIZE_MAX;
constexpr std::size_t most_at_once = INT_MAX & ~std::size_t{4095};  // of any call that moves bytes

/// One of the two descriptors of a call.
class side {
public:
    /// `events`: POLLIN for where the bytes come from, POLLOUT for where they go. `waits_for_pipes` is
    /// false where the caller has asked not to.
    side(int fd, short events, bool waits_for_pipes = true) noexcept
        : facts_(facts_of(fd)), file_(fd), events_(events), waits_for_pipes_(waits_for_pipes) {}

    [[nodiscard]] int fd() const noexcept { return file_.fd(); }
    [[nodiscard]] bool is(descriptor_kind kind) const noexcept { return facts_.kind == kind; }
    /// Nobody is waited for here.
    [[nodiscard]] bool is_at_hand() const noexcept {
        return is(descriptor_kind::disk) || is(descriptor_kind::none);
    }
    [[nodiscard]] bool has_no_offset() const noexcept {
        return is(descriptor_kind::pipe) || facts_.is_socket();
    }
    [[nodiscard]] bool waits() const noexcept {
        return !is_at_hand() && !facts_.nonblocking &&
               (waits_for_pipes_ || !is(descriptor_kind::pipe));
    }
    /// Only its own mode keeps the call from blocking here.
    [[nodiscard]] bool blocks_by_itself() const noexcept {
        return waits() && !is(descriptor_kind::pipe);
    }
    /// Whether the call goes on until all has been taken.
    [[nodiscard]] bool takes_all() const noexcept {
        return waits() && (is(descriptor_kind::stream_socket) || is(descriptor_kind::other));
    }

    /// The events that are there now, 0 for none.
    [[nodiscard]] short now() const noexcept {
        return is_at_hand() ? events_ : events_now(fd(), events_);
    }
    void keep() noexcept { file_.keep(); }
    /// After now() was 0: suspends, or answers as a call in non-blocking mode.
    long wait(fiber& self) noexcept {
        if (!has_right_direction()) return -EBADF;
        if (!waits()) return -EAGAIN;
        const int option = events_ == POLLIN ? SO_RCVTIMEO : SO_SNDTIMEO;
        const auto until =
            facts_.is_socket() ? limit_of(self, fd(), facts_, option) : std::optional<time_point>();
        const long waited = wait_for_events(self, file_, events_, until);
        return waited == -ETIME ? -EAGAIN : waited;
    }

    /// What a ready one takes without blocking, for certain: of its buffer a unix socket has three
    /// quarters free then, and a TCP socket one.
    [[nodiscard]] std::size_t room_when_ready() const noexcept {
        constexpr std::size_t most = 64 * 1024;
        if (!takes_all()) return without_limit;
        int buffer = 0;
        socklen_t size = sizeof buffer;
        system_call(SYS_getsockopt, fd(), SOL_SOCKET, SO_SNDBUF, &buffer, &size);
        return std::clamp<std::size_t>(static_cast<std::size_t>(buffer) / 8, PIPE_BUF, most);
    }

private:
    /// The wrong end of a pipe is never ready.
    [[nodiscard]] bool has_right_direction() const noexcept {
        const long mode = system_call(SYS_fcntl, fd(), F_GETFL);
        if (mode < 0 || (mode & O_PATH) != 0) return false;
        return (mode & O_ACCMODE) != (events_ == POLLIN ? O_WRONLY : O_RDONLY);
    }

    const descriptor_facts facts_;
    kept_open file_;
    const short events_;
    const bool waits_for_pipes_;
};

/// Suspends until there is something to move and room for it: 0, or -errno. Behind the end of what
/// comes no room is needed to say so.
long wait_for_both(fiber& self, side& from, side& to) noexcept {
    for (;;) {
        const short there = from.now();
        side& missing = there == 0 ? from : to;
        if (there != 0 && ((there & POLLIN) == 0 || to.now() != 0)) return 0;
        from.keep();
        to.keep();
        const long waited = missing.wait(self);
        if (waited < 0) return waited;
    }
}

/// `call(most)` moves at most that many bytes. It answers EAGAIN where it would wait for a pipe, unless
/// `waits_first`: then it may be made only when both are ready. Where they are not, `look()` answers
/// first: <= 0 is what the plain call finds without waiting.
template <class Call, class Look>
long move(fiber& self, side& from, side& to, std::size_t size, bool waits_first, Call call,
          Look look) noexcept {
    const std::size_t piece = to.room_when_ready();
    std::size_t done = 0;
    const auto answer = [&](long result) { return done > 0 ? static_cast<long>(done) : result; };
    for (bool wait = waits_first;;) {
        if (wait && (from.now() == 0 || to.now() == 0)) {
            if (const long there = look(); there <= 0) return answer(there);
            if (const long waited = wait_for_both(self, from, to); waited < 0)
                return answer(waited);
        }
        const long moved = call(std::min(size - done, piece));
        if (moved == -EAGAIN) {
            if (wait) pass_turn(self);  // somebody was faster
            wait = true;
            continue;
        }
        if (moved <= 0) return answer(moved);
        done += static_cast<std::size_t>(moved);
        if (!to.takes_all() || done == size || (from.now() & POLLIN) == 0) return answer(0);
        wait = waits_first;
    }
}

constexpr auto nothing_to_see = [] { return 1L; };

/// Two pipes wait only when both are in blocking mode.
bool are_hasty_pipes(const side& from, const side& to) noexcept {
    return from.is(descriptor_kind::pipe) && to.is(descriptor_kind::pipe) &&
           !(from.waits() && to.waits());
}

struct copying {
    int from;
    off64_t* from_offset;
    int to;
    off64_t* to_offset;
    std::size_t size;
    unsigned flags;
};

long splice_on_fiber(fiber& self, const copying& c) noexcept {
    if (refused(self)) return -ECANCELED;
    const bool waits_for_pipes = (c.flags & SPLICE_F_NONBLOCK) == 0;
    side from(c.from, POLLIN, waits_for_pipes);
    side to(c.to, POLLOUT, waits_for_pipes);
    const auto call = [&](std::size_t most) {
        return system_call(SYS_splice, from.fd(), c.from_offset, to.fd(), c.to_offset, most,
                           c.flags | SPLICE_F_NONBLOCK);
    };
    constexpr unsigned all_flags =
        SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT;
    const bool is_wrong = (c.flags & ~all_flags) != 0 ||
                          (!from.is(descriptor_kind::pipe) && !to.is(descriptor_kind::pipe)) ||
                          (c.from_offset != nullptr && from.has_no_offset()) ||
                          (c.to_offset != nullptr && to.has_no_offset());
    if (is_wrong || are_hasty_pipes(from, to)) return call(c.size);
    return move(self, from, to, c.size, from.blocks_by_itself() || to.blocks_by_itself(), call,
                nothing_to_see);
}

long tee_on_fiber(fiber& self, int in, int out, std::size_t size, unsigned flags) noexcept {
    if (refused(self)) return -ECANCELED;
    const bool waits_for_pipes = (flags & SPLICE_F_NONBLOCK) == 0;
    side from(in, POLLIN, waits_for_pipes);
    side to(out, POLLOUT, waits_for_pipes);
    const auto call = [&](std::size_t most) {
        return system_call(SYS_tee, from.fd(), to.fd(), most, flags | SPLICE_F_NONBLOCK);
    };
    if (!from.is(descriptor_kind::pipe) || !to.is(descriptor_kind::pipe) ||
        are_hasty_pipes(from, to))
        return call(size);
    return move(self, from, to, size, false, call, nothing_to_see);
}

/// What the file has at the offset or its position: 1, 0 behind its end, or -errno.
long look_into_file(int fd, const off_t* offset) noexcept {
    int ends[2] = {-1, -1};
    off_t at = offset != nullptr ? *offset : system_call(SYS_lseek, fd, 0, SEEK_CUR);
    const long made = system_call(SYS_pipe2, ends, O_CLOEXEC);
    if (made < 0) return 1;  // no number left: then it is found out later
    const long there = system_call(SYS_splice, fd, &at, ends[1], nullptr, 1, SPLICE_F_NONBLOCK);
    system_call(SYS_close, ends[0]);
    system_call(SYS_close, ends[1]);
    return there;
}

long sendfile_on_fiber(fiber& self, int out, int in, off_t* offset, std::size_t size) noexcept {
    side from(in, POLLIN);
    side to(out, POLLOUT);
    const auto call = [&](std::size_t most) {
        return system_call(SYS_sendfile, to.fd(), from.fd(), offset, most);
    };
    if (to.is(descriptor_kind::disk) && from.is(descriptor_kind::disk)) {
        from.keep();
        to.keep();
        return on_file_thread(self, "sendfile", [&] { return call(size); });
    }
    if (refused(self)) return -ECANCELED;
    if (!to.waits() && !from.waits()) return call(size);
    const auto look = [&]() -> long {
        if (to.is(descriptor_kind::pipe)) return 1;  // room comes first there
        const long checked = call(0);
        return checked < 0 ? checked : look_into_file(from.fd(), offset);
    };
    return move(self, from, to, std::min(size, most_at_once), true, call, look);
}

long copy_on_fiber(fiber& self, const copying& c) noexcept {
    side from(c.from, POLLIN);
    side to(c.to, POLLOUT);
    const auto call = [&] {
        return system_call(SYS_copy_file_range, from.fd(), c.from_offset, to.fd(), c.to_offset,
                           c.size, c.flags);
    };
    if (!from.is(descriptor_kind::disk) || !to.is(descriptor_kind::disk)) return call();
    from.keep();
    to.keep();
    return on_file_thread(self, "copy_file_range", call);
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

ssize_t brio_posix_sendfile(int to, int from, off_t* offset, size_t size) noexcept {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || size == 0) return real.sendfile(to, from, offset, size);
    return answer(sendfile_on_fiber(*self, to, from, offset, size));
}

ssize_t brio_posix_splice(int from, off64_t* from_offset, int to, off64_t* to_offset, size_t size,
                          unsigned flags) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || size == 0)
        return real.splice(from, from_offset, to, to_offset, size, flags);
    return answer(splice_on_fiber(*self, {from, from_offset, to, to_offset, size, flags}));
}

ssize_t brio_posix_tee(int from, int to, size_t size, unsigned flags) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || size == 0) return real.tee(from, to, size, flags);
    return answer(tee_on_fiber(*self, from, to, size, flags));
}

ssize_t brio_posix_copy_file_range(int from, off64_t* from_offset, int to, off64_t* to_offset,
                                   size_t size, unsigned flags) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || size == 0)
        return real.copy_file_range(from, from_offset, to, to_offset, size, flags);
    return answer(copy_on_fiber(*self, {from, from_offset, to, to_offset, size, flags}));
}

}  // extern "C"

BRIO_INTERPOSE(sendfile);
BRIO_INTERPOSE(splice);
BRIO_INTERPOSE(tee);
BRIO_INTERPOSE(copy_file_range);

BRIO_INTERPOSE_ALIAS(sendfile64, sendfile);
