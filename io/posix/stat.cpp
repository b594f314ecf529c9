// stat, lstat, fstatat, statx and their names for large files. What is in memory is answered at once:
// found by a descriptor that opens nothing (path_look.hpp), then asked through it. Else a file thread
// asks. fstat has nothing to find; it is here because Brio's own descriptors are not open to a program.
//
// Not cut short: nobody expects ECANCELED of them, and the disk is all they wait for.

#include "base/private_descriptor.hpp"
#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/file_thread_call.hpp"
#include "posix/interpose.hpp"
#include "posix/path_look.hpp"
#include "posix/real.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

namespace brio::inline v0::detail::posix {

namespace {

/// For a descriptor the kernel takes any flags, for a path only these: others are the plain call's.
constexpr int usual_flags =
    AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE;

/// There is no path to follow: it does not wait.
bool is_of_descriptor(const char* path, int flags) noexcept {
    return (flags & AT_EMPTY_PATH) != 0 && (path == nullptr || *path == '\0');
}

/// `ask(directory, path, flags)` is the system call.
template <class Ask>
int ask_on_fiber(fiber& self, const char* what, int directory, const char* path, int flags,
                 Ask ask) noexcept {
    if (is_of_descriptor(path, flags)) return static_cast<int>(answer(ask(directory, path, flags)));
    const bool is_usual = (flags & ~usual_flags) == 0;
    long result = is_usual ? find_in_memory(directory, path, flags) : -EAGAIN;
    if (result >= 0) {
        const long found = result;
        result = ask(static_cast<int>(found), "", flags | AT_EMPTY_PATH);
        system_call(SYS_close, found);
    } else if (result == -EAGAIN) {
        result = on_file_thread(self, what, [=] { return ask(directory, path, flags); });
    }
    return static_cast<int>(answer(result));
}

template <class File>
int stat_on_fiber(fiber& self, const char* what, int directory, const char* path, File* file,
                  int flags) noexcept {
    return ask_on_fiber(self, what, directory, path, flags,
                        [=](int at, const char* name, int how) noexcept {
                            return system_call(SYS_newfstatat, at, name, file, how);
                        });
}

// struct stat64 has another name only.
int stat_as(const char* path, struct stat* file) noexcept {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.stat(path, file);
    return stat_on_fiber(*self, "stat", AT_FDCWD, path, file, 0);
}
int lstat_as(const char* path, struct stat* file) noexcept {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.lstat(path, file);
    return stat_on_fiber(*self, "lstat", AT_FDCWD, path, file, AT_SYMLINK_NOFOLLOW);
}
int fstatat_as(int directory, const char* path, struct stat* file, int flags) noexcept {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.fstatat(directory, path, file, flags);
    return stat_on_fiber(*self, "fstatat", directory, path, file, flags);
}
int fstat_as(int fd, struct stat* file) noexcept {
    return is_private(fd) ? static_cast<int>(answer(-EBADF)) : real.fstat(fd, file);
}

struct stat* as_stat(struct stat64* file) noexcept {
    static_assert(sizeof(struct stat) == sizeof(struct stat64));
    return reinterpret_cast<struct stat*>(file);
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

int brio_posix_stat(const char* path, struct stat* file) noexcept {
    return stat_as(path, file);
}
int brio_posix_stat64(const char* path, struct stat64* file) noexcept {
    return stat_as(path, as_stat(file));
}
int brio_posix_lstat(const char* path, struct stat* file) noexcept {
    return lstat_as(path, file);
}
int brio_posix_lstat64(const char* path, struct stat64* file) noexcept {
    return lstat_as(path, as_stat(file));
}
int brio_posix_fstatat(int directory, const char* path, struct stat* file, int flags) noexcept {
    return fstatat_as(directory, path, file, flags);
}
int brio_posix_fstatat64(int directory, const char* path, struct stat64* file, int flags) noexcept {
    return fstatat_as(directory, path, as_stat(file), flags);
}
int brio_posix_fstat(int fd, struct stat* file) noexcept {
    return fstat_as(fd, file);
}
int brio_posix_fstat64(int fd, struct stat64* file) noexcept {
    return fstat_as(fd, as_stat(file));
}

int brio_posix_statx(int directory, const char* path, int flags, unsigned wanted,
                     struct statx* file) noexcept {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.statx(directory, path, flags, wanted, file);
    return ask_on_fiber(*self, "statx", directory, path, flags,
                        [=](int at, const char* name, int how) noexcept {
                            return system_call(SYS_statx, at, name, how, wanted, file);
                        });
}

}  // extern "C"

BRIO_INTERPOSE(stat);
BRIO_INTERPOSE(stat64);
BRIO_INTERPOSE(lstat);
BRIO_INTERPOSE(lstat64);
BRIO_INTERPOSE(fstatat);
BRIO_INTERPOSE(fstatat64);
BRIO_INTERPOSE(fstat);
BRIO_INTERPOSE(fstat64);
BRIO_INTERPOSE(statx);
