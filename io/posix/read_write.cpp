// read, readv, write, writev: at the file position. Nothing to move, and lengths that read(2) and
// readv(2) judge in their own ways, go to the plain call: they cannot block.

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/interpose.hpp"
#include "posix/real.hpp"
#include "posix/transfer.hpp"

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

ssize_t brio_posix_read(int fd, void* data, size_t size) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || is_odd(size)) return real.read(fd, data, size);
    const iovec part = {data, size};
    return answer(transfer(*self, direction::in, fd, &part, 1));
}

ssize_t brio_posix_write(int fd, const void* data, size_t size) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || is_odd(size)) return real.write(fd, data, size);
    const iovec part = {const_cast<void*>(data), size};
    return answer(transfer(*self, direction::out, fd, &part, 1));
}

ssize_t brio_posix_readv(int fd, const iovec* parts, int count) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || count <= 0) return real.readv(fd, parts, count);
    return answer(transfer(*self, direction::in, fd, parts, count));
}

ssize_t brio_posix_writev(int fd, const iovec* parts, int count) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || count <= 0) return real.writev(fd, parts, count);
    return answer(transfer(*self, direction::out, fd, parts, count));
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
