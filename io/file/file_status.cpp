#include "file/file_status.hpp"

#include <chrono>
#include <sys/stat.h>

namespace brio::inline v0::detail {

io::file_type type_of(unsigned mode) noexcept {
    using io::file_type;
    switch (mode & S_IFMT) {
        case S_IFREG:
            return file_type::regular;
        case S_IFDIR:
            return file_type::directory;
        case S_IFLNK:
            return file_type::symlink;
        case S_IFBLK:
            return file_type::block_device;
        case S_IFCHR:
            return file_type::character_device;
        case S_IFIFO:
            return file_type::fifo;
        case S_IFSOCK:
            return file_type::socket;
        default:
            return file_type::unknown;
    }
}

io::file_status status_of(const struct statx& found) noexcept {
    using std::chrono::system_clock;
    const auto since_epoch = std::chrono::seconds(found.stx_mtime.tv_sec) +
                             std::chrono::nanoseconds(found.stx_mtime.tv_nsec);
    return {
        .type = type_of(found.stx_mode),
        .mode = found.stx_mode & 07777U,
        .size = found.stx_size,
        .modified = system_clock::time_point(
            std::chrono::duration_cast<system_clock::duration>(since_epoch)),
        .inode = found.stx_ino,
        .links = found.stx_nlink,
        .uid = found.stx_uid,
        .gid = found.stx_gid,
    };
}

}  // namespace brio::inline v0::detail
