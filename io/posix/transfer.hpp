#pragma once
// Moving bytes between a descriptor and buffers: what read, write, pread, preadv2 and their kin have
// in common. See transfer.cpp.

#include "fiber/fiber.hpp"
#include "posix/descriptors.hpp"

#include <cstddef>
#include <limits.h>
#include <sys/types.h>
#include <sys/uio.h>

namespace brio::inline v0::detail::posix {

/// Where in a file, and how: what preadv2(2) takes beside the buffers.
struct placement {
    static constexpr off_t file_position = -1;  // or a stream's
    off_t offset = file_position;
    int flags = 0;  // RWF_*, without RWF_NOWAIT

    void advance(long bytes) noexcept {
        if (offset != file_position) offset += bytes;
    }
};

/// Whether the plain call has to judge the length.
inline bool is_odd(std::size_t size) noexcept {
    return size == 0 || size > SSIZE_MAX;
}

/// The count moved, or -errno. `count` is positive. May suspend.
long transfer(fiber& self, direction d, int fd, const iovec* parts, int count,
              placement where = {}) noexcept;

}  // namespace brio::inline v0::detail::posix
