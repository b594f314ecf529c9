#pragma once
// What a path leads to, as far as all of it is in memory: nothing is read from a disk. -EAGAIN: it is
// not, or this kernel has no such look (openat2 with RESOLVE_CACHED); then a thread has to find out.

#include <fcntl.h>
#include <sys/stat.h>

namespace brio::inline v0::detail::posix {

/// openat2, without O_CREAT, O_TRUNC and O_TMPFILE: a descriptor or -errno. Flags that openat would have
/// ignored are left to it: -EAGAIN.
long open_in_memory(int directory, const char* path, int flags) noexcept;

/// fstatat, but without AT_EMPTY_PATH: 0 or -errno. `flags`: AT_SYMLINK_NOFOLLOW or 0.
long stat_in_memory(int directory, const char* path, struct stat& file, int flags) noexcept;

/// A descriptor of the file itself, which opens nothing (O_PATH), or -errno.
long find_in_memory(int directory, const char* path, int flags) noexcept;

}  // namespace brio::inline v0::detail::posix
