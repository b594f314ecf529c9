// pread, pwrite, preadv, pwritev, preadv2, pwritev2 and their names for large files: at an offset, which
// disk files have, and streams only where it is -1 for preadv2 and pwritev2.
//
// Nothing to move, an offset or length that the plain call judges, and RWF_NOWAIT, whose caller has
// asked not to wait, go to the plain call: they cannot block.

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/interpose.hpp"
#include "posix/real.hpp"
#include "posix/transfer.hpp"

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

ssize_t brio_posix_pread(int fd, void* data, size_t size, off_t offset) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || is_odd(size) || offset < 0) return real.pread(fd, data, size, offset);
    const iovec part = {data, size};
    return answer(transfer(*self, direction::in, fd, &part, 1, {offset}));
}

ssize_t brio_posix_pwrite(int fd, const void* data, size_t size, off_t offset) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || is_odd(size) || offset < 0) return real.pwrite(fd, data, size, offset);
    const iovec part = {const_cast<void*>(data), size};
    return answer(transfer(*self, direction::out, fd, &part, 1, {offset}));
}

ssize_t brio_posix_preadv(int fd, const iovec* parts, int count, off_t offset) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || count <= 0 || offset < 0) return real.preadv(fd, parts, count, offset);
    return answer(transfer(*self, direction::in, fd, parts, count, {offset}));
}

ssize_t brio_posix_pwritev(int fd, const iovec* parts, int count, off_t offset) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || count <= 0 || offset < 0) return real.pwritev(fd, parts, count, offset);
    return answer(transfer(*self, direction::out, fd, parts, count, {offset}));
}

ssize_t brio_posix_preadv2(int fd, const iovec* parts, int count, off_t offset, int flags) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || count <= 0 || offset < placement::file_position ||
        (flags & RWF_NOWAIT) != 0)
        return real.preadv2(fd, parts, count, offset, flags);
    return answer(transfer(*self, direction::in, fd, parts, count, {offset, flags}));
}

ssize_t brio_posix_pwritev2(int fd, const iovec* parts, int count, off_t offset, int flags) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || count <= 0 || offset < placement::file_position ||
        (flags & RWF_NOWAIT) != 0)
        return real.pwritev2(fd, parts, count, offset, flags);
    return answer(transfer(*self, direction::out, fd, parts, count, {offset, flags}));
}

ssize_t brio_posix___pread_chk(int fd, void* data, size_t size, off_t offset, size_t room) {
    if (size > room) __chk_fail();
    return brio_posix_pread(fd, data, size, offset);
}

}  // extern "C"

BRIO_INTERPOSE(pread);
BRIO_INTERPOSE(pwrite);
BRIO_INTERPOSE(preadv);
BRIO_INTERPOSE(pwritev);
BRIO_INTERPOSE(preadv2);
BRIO_INTERPOSE(pwritev2);
BRIO_INTERPOSE(__pread_chk);

BRIO_INTERPOSE_ALIAS(pread64, pread);
BRIO_INTERPOSE_ALIAS(pwrite64, pwrite);
BRIO_INTERPOSE_ALIAS(preadv64, preadv);
BRIO_INTERPOSE_ALIAS(pwritev64, pwritev);
BRIO_INTERPOSE_ALIAS(preadv64v2, preadv2);
BRIO_INTERPOSE_ALIAS(pwritev64v2, pwritev2);
BRIO_INTERPOSE_ALIAS(__pread64_chk, __pread_chk);
