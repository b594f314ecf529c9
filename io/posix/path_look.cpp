#include "posix/path_look.hpp"

#include "base/system_call.hpp"

#include <cerrno>
#include <linux/openat2.h>
#include <string_view>

namespace brio::inline v0::detail::posix {

namespace {

// open(2) adds it, openat2(2) does not; libc calls it 0.
#if defined(__aarch64__)
constexpr int large_file = 0400000;
#else
constexpr int large_file = 0100000;
#endif

/// The kernel's own files have no disk, though the kernel calls none of their names cached. What lies behind
/// their magic links may have one.
bool is_of_kernel(const char* path) noexcept {
    const std::string_view name = path;
    const bool begins_there = name.substr(0, 6) == "/proc/" || name.substr(0, 5) == "/sys/";
    return begins_there && name.find("/../") == std::string_view::npos;
}

}  // namespace

long open_in_memory(int directory, const char* path, int flags) noexcept {
    open_how how = {};
    how.flags = static_cast<unsigned>(flags);
    if ((flags & O_PATH) == 0) how.flags |= large_file;
    how.resolve = RESOLVE_CACHED;
    long opened = system_call(SYS_openat2, directory, path, &how, sizeof how);
    if (opened == -EAGAIN && is_of_kernel(path)) {
        how.resolve = RESOLVE_NO_MAGICLINKS;
        opened = system_call(SYS_openat2, directory, path, &how, sizeof how);
        if (opened == -ELOOP) return -EAGAIN;
    }
    // No number left: the plain call says so, for its own reasons.
    const bool is_unknown = opened == -ENOSYS || opened == -EINVAL || opened == -EMFILE;
    return is_unknown ? -EAGAIN : opened;
}

long find_in_memory(int directory, const char* path, int flags) noexcept {
    const int nofollow = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? O_NOFOLLOW : 0;
    return open_in_memory(directory, path, O_PATH | O_CLOEXEC | nofollow);
}

long stat_in_memory(int directory, const char* path, struct stat& file, int flags) noexcept {
    const long found = find_in_memory(directory, path, flags);
    if (found < 0) return found;
    const long result = system_call(SYS_fstat, found, &file);
    system_call(SYS_close, found);
    return result;
}

}  // namespace brio::inline v0::detail::posix
