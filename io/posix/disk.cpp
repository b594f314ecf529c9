// Calls that change files and directories, and those that wait until it is all on disk. Each may have
// to wait for the disk and nothing tells beforehand, so a file thread makes them always (fsync and
// fdatasync: the reactor). They are not cut short: what they have begun cannot be undone.

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/file_thread_call.hpp"
#include "posix/interpose.hpp"
#include "posix/real.hpp"

#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace brio::inline v0::detail::posix {

namespace {

/// `libc` makes the call for those who are no fibers; `call` returns a result or -errno.
template <class Libc, class Call>
int disk_call(const char* what, Libc libc, Call call) noexcept {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return libc();
    return static_cast<int>(answer(on_file_thread(*self, what, call)));
}

long sync_on_fiber(fiber& self, int fd, bool data_only) noexcept {
    const not_cut_short whole(self);
    operation op;
    op.what = operation::code::fsync;
    op.fd = fd;
    op.flags = data_only ? 1 : 0;
    return wait_for(self, op);
}

/// As remove(3): what is no directory, else an empty one.
long remove_plain(const char* path) noexcept {
    const long removed = system_call(SYS_unlinkat, AT_FDCWD, path, 0);
    return removed == -EISDIR ? system_call(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR) : removed;
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

int brio_posix_fsync(int fd) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.fsync(fd);
    return static_cast<int>(answer(sync_on_fiber(*self, fd, false)));
}

int brio_posix_fdatasync(int fd) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.fdatasync(fd);
    return static_cast<int>(answer(sync_on_fiber(*self, fd, true)));
}

int brio_posix_syncfs(int fd) noexcept {
    return disk_call(
        "syncfs", [=] { return real.syncfs(fd); }, [=] { return system_call(SYS_syncfs, fd); });
}

void brio_posix_sync() noexcept {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.sync();
    on_file_thread(*self, "sync", [] { return system_call(SYS_sync); });
}

int brio_posix_ftruncate(int fd, off_t size) noexcept {
    return disk_call(
        "ftruncate", [=] { return real.ftruncate(fd, size); },
        [=] { return system_call(SYS_ftruncate, fd, size); });
}

int brio_posix_truncate(const char* path, off_t size) noexcept {
    return disk_call(
        "truncate", [=] { return real.truncate(path, size); },
        [=] { return system_call(SYS_truncate, path, size); });
}

int brio_posix_fallocate(int fd, int mode, off_t offset, off_t size) {
    return disk_call(
        "fallocate", [=] { return real.fallocate(fd, mode, offset, size); },
        [=] { return system_call(SYS_fallocate, fd, mode, offset, size); });
}

// What libc does by hand where the file system cannot is libc's here, too.
int brio_posix_posix_fallocate(int fd, off_t offset, off_t size) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.posix_fallocate(fd, offset, size);
    return static_cast<int>(on_file_thread(*self, "posix_fallocate",
                                           [=] { return real.posix_fallocate(fd, offset, size); }));
}

int brio_posix_rename(const char* from, const char* to) noexcept {
    return disk_call(
        "rename", [=] { return real.rename(from, to); },
        [=] { return system_call(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0); });
}

int brio_posix_renameat(int from_directory, const char* from, int to_directory,
                        const char* to) noexcept {
    return disk_call(
        "renameat", [=] { return real.renameat(from_directory, from, to_directory, to); },
        [=] { return system_call(SYS_renameat2, from_directory, from, to_directory, to, 0); });
}

int brio_posix_renameat2(int from_directory, const char* from, int to_directory, const char* to,
                         unsigned flags) noexcept {
    return disk_call(
        "renameat2", [=] { return real.renameat2(from_directory, from, to_directory, to, flags); },
        [=] { return system_call(SYS_renameat2, from_directory, from, to_directory, to, flags); });
}

int brio_posix_unlink(const char* path) noexcept {
    return disk_call(
        "unlink", [=] { return real.unlink(path); },
        [=] { return system_call(SYS_unlinkat, AT_FDCWD, path, 0); });
}

int brio_posix_unlinkat(int directory, const char* path, int flags) noexcept {
    return disk_call(
        "unlinkat", [=] { return real.unlinkat(directory, path, flags); },
        [=] { return system_call(SYS_unlinkat, directory, path, flags); });
}

int brio_posix_rmdir(const char* path) noexcept {
    return disk_call(
        "rmdir", [=] { return real.rmdir(path); },
        [=] { return system_call(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR); });
}

int brio_posix_remove(const char* path) noexcept {
    return disk_call(
        "remove", [=] { return real.remove(path); }, [=] { return remove_plain(path); });
}

int brio_posix_mkdir(const char* path, mode_t mode) noexcept {
    return disk_call(
        "mkdir", [=] { return real.mkdir(path, mode); },
        [=] { return system_call(SYS_mkdirat, AT_FDCWD, path, mode); });
}

int brio_posix_mkdirat(int directory, const char* path, mode_t mode) noexcept {
    return disk_call(
        "mkdirat", [=] { return real.mkdirat(directory, path, mode); },
        [=] { return system_call(SYS_mkdirat, directory, path, mode); });
}

}  // extern "C"

BRIO_INTERPOSE(fsync);
BRIO_INTERPOSE(fdatasync);
BRIO_INTERPOSE(syncfs);
BRIO_INTERPOSE(sync);
BRIO_INTERPOSE(ftruncate);
BRIO_INTERPOSE(truncate);
BRIO_INTERPOSE(fallocate);
BRIO_INTERPOSE(posix_fallocate);
BRIO_INTERPOSE(rename);
BRIO_INTERPOSE(renameat);
BRIO_INTERPOSE(renameat2);
BRIO_INTERPOSE(unlink);
BRIO_INTERPOSE(unlinkat);
BRIO_INTERPOSE(rmdir);
BRIO_INTERPOSE(remove);
BRIO_INTERPOSE(mkdir);
BRIO_INTERPOSE(mkdirat);
BRIO_INTERPOSE_ALIAS(ftruncate64, ftruncate);
BRIO_INTERPOSE_ALIAS(truncate64, truncate);
BRIO_INTERPOSE_ALIAS(fallocate64, fallocate);
BRIO_INTERPOSE_ALIAS(posix_fallocate64, posix_fallocate);
