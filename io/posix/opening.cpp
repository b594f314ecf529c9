// open, openat, creat, their names for large files and what _FORTIFY_SOURCE makes of them.
//
// 1. What kind of file the path leads to is looked at first, through a descriptor that opens nothing
//    (O_PATH) and is had only when the whole path is in memory (RESOLVE_CACHED); else a file thread
//    looks. No attempt with O_NONBLOCK instead: on a FIFO that means something else, and its other end
//    would see it.
// 2. A FIFO waits for its other end, and a device for whatever it likes: opened on a helper thread that
//    a cancel or a handler calls back (interruptible_call.hpp), so no descriptor becomes nobody's. Not the reactor's
//    operation: io_uring opens with O_NONBLOCK first, see rule 1.
// 3. A disk file that is in memory is opened at once; one that is not, or is created or emptied, by a
//    file thread, and no cancel cuts that short.
// 4. Between the look and the opening the name may come to mean something else. A FIFO that has just
//    taken a file's place is then opened by a file thread: the fiber alone waits, but is not cut short.

#include "posix/opening.hpp"

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/descriptors.hpp"
#include "posix/file_thread_call.hpp"
#include "posix/interpose.hpp"
#include "posix/interruptible_call.hpp"
#include "posix/path_look.hpp"
#include "posix/real.hpp"

#include <cerrno>
#include <cstdarg>
#include <exception>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace brio::inline v0::detail::posix {

namespace {

struct opening {
    int directory;
    const char* path;
    int flags;
    mode_t mode;

    [[nodiscard]] bool has(int flag) const noexcept { return (flags & flag) == flag; }
    /// Nothing is waited for but the disk, whatever the file is.
    [[nodiscard]] bool never_waits() const noexcept {
        return has(O_NONBLOCK) || has(O_PATH) || has(O_DIRECTORY) || has(O_CREAT | O_EXCL);
    }
    [[nodiscard]] bool changes_the_disk() const noexcept {
        return (flags & (O_CREAT | O_TRUNC)) != 0 || has(O_TMPFILE);
    }
    [[nodiscard]] long plain() const noexcept {
        return system_call(SYS_openat, directory, path, flags, mode);
    }
};

/// /dev/null and its like do not wait.
bool may_wait(const struct stat& file) noexcept {
    constexpr unsigned memory_devices = 1;
    if (S_ISCHR(file.st_mode)) return major(file.st_rdev) != memory_devices;
    return S_ISFIFO(file.st_mode);
}

/// What cannot be looked at is not waited for.
opening_waits waits_of(fiber& self, const opening& o) noexcept {
    const auto for_disk = o.changes_the_disk() ? opening_waits::for_the_disk : opening_waits::never;
    if (o.never_waits()) return for_disk;
    struct stat file = {};
    const int flags = o.has(O_NOFOLLOW) ? AT_SYMLINK_NOFOLLOW : 0;
    long looked = stat_in_memory(o.directory, o.path, file, flags);
    if (looked == -EAGAIN)
        looked = on_file_thread(self, "open", [&] {
            return system_call(SYS_newfstatat, o.directory, o.path, &file, flags);
        });
    if (looked == 0 && may_wait(file)) return opening_waits::for_somebody;
    return for_disk;  // the look has brought the name into memory
}

long open_until_interrupted(fiber& self, const opening& o) noexcept {
    if (refused(self)) return -ECANCELED;
    try {
        return call_until_interrupted(self, "open", [o, path = std::string(o.path)] {
            return system_call(SYS_openat, o.directory, path.c_str(), o.flags, o.mode);
        });
    } catch (const std::exception&) {  // no memory, no thread
        return -ENOMEM;
    }
}

long open_on_fiber(fiber& self, const opening& o) noexcept {
    const opening_waits waits = waits_of(self, o);
    if (waits == opening_waits::for_somebody) return open_until_interrupted(self, o);
    if (waits == opening_waits::never) {
        const long opened = open_in_memory(o.directory, o.path, o.flags);
        if (opened != -EAGAIN) return opened;
    }
    return on_file_thread(self, "open", [&] { return o.plain(); });
}

bool needs_mode(int flags) noexcept {
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

/// `libc` makes the call for those who are no fibers.
template <class Libc>
int open_as(const opening& o, Libc libc) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) {
        const int fd = libc();
        forget(fd);
        return fd;
    }
    const long opened = open_on_fiber(*self, o);
    forget(static_cast<int>(opened));
    if (opened >= 0 && jump_is_due()) system_call(SYS_close, opened);  // it would be nobody's
    return static_cast<int>(answer(opened));
}

int open_at(int directory, const char* path, int flags, mode_t mode) {
    return open_as({directory, path, flags, mode},
                   [&] { return real.openat(directory, path, flags, mode); });
}

}  // namespace

opening_waits opening_waits_of(fiber& self, const char* path, int flags) noexcept {
    return waits_of(self, {AT_FDCWD, path, flags, 0});
}

}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

int brio_posix_open(const char* path, int flags, ...) {
    mode_t mode = 0;
    if (needs_mode(flags)) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    return open_as({AT_FDCWD, path, flags, mode}, [&] { return real.open(path, flags, mode); });
}

int brio_posix_openat(int directory, const char* path, int flags, ...) {
    mode_t mode = 0;
    if (needs_mode(flags)) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    return open_at(directory, path, flags, mode);
}

int brio_posix_creat(const char* path, mode_t mode) {
    return open_as({AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode},
                   [&] { return real.creat(path, mode); });
}

int brio_posix___open_2(const char* path, int flags) {
    if (needs_mode(flags)) __chk_fail();
    return open_at(AT_FDCWD, path, flags, 0);
}

int brio_posix___openat_2(int directory, const char* path, int flags) {
    if (needs_mode(flags)) __chk_fail();
    return open_at(directory, path, flags, 0);
}

}  // extern "C"

BRIO_INTERPOSE(open);
BRIO_INTERPOSE(openat);
BRIO_INTERPOSE(creat);
BRIO_INTERPOSE(__open_2);
BRIO_INTERPOSE(__openat_2);
BRIO_INTERPOSE_ALIAS(open64, open);
BRIO_INTERPOSE_ALIAS(openat64, openat);
BRIO_INTERPOSE_ALIAS(creat64, creat);
BRIO_INTERPOSE_ALIAS(__open64_2, __open_2);
BRIO_INTERPOSE_ALIAS(__openat64_2, __openat_2);
