// fopen, which opens inside libc, past the table. Where that may wait the whole call is made on another
// thread: a FILE belongs to none. What std::ifstream and std::ofstream call.

#include "posix/caller.hpp"
#include "posix/descriptors.hpp"
#include "posix/file_thread_call.hpp"
#include "posix/interpose.hpp"
#include "posix/interruptible_call.hpp"
#include "posix/libc_stdio.hpp"
#include "posix/opening.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <string>

namespace brio::inline v0::detail::posix {

namespace {

/// open's flags for fopen's mode, as far as they tell what may be waited for.
int flags_of(const char* mode) noexcept {
    const bool both = std::strchr(mode, '+') != nullptr;
    const int access = both ? O_RDWR : *mode == 'r' ? O_RDONLY : O_WRONLY;
    const int makes = *mode == 'r' ? 0 : *mode == 'w' ? O_CREAT | O_TRUNC : O_CREAT | O_APPEND;
    return access | makes;
}

/// The FILE as a number, or -errno.
long open_as_number(const char* path, const char* mode) noexcept {
    FILE* const file = libc_stdio().fopen(path, mode);
    return file != nullptr ? reinterpret_cast<long>(file) : -errno;
}

long open_on_fiber(fiber& self, const char* path, const char* mode) noexcept {
    switch (opening_waits_of(self, path, flags_of(mode))) {
        case opening_waits::never:
            break;
        case opening_waits::for_the_disk:
            return on_file_thread(self, "fopen", [=] { return open_as_number(path, mode); });
        case opening_waits::for_somebody:
            if (refused(self)) return -ECANCELED;
            try {
                return call_until_interrupted(self, "fopen",
                                              [path = std::string(path), mode = std::string(mode)] {
                                                  return open_as_number(path.c_str(), mode.c_str());
                                              });
            } catch (const std::exception&) {  // no memory, no thread
                return -ENOMEM;
            }
    }
    return open_as_number(path, mode);
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" FILE* brio_posix_fopen(const char* path, const char* mode) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) {
        FILE* const file = libc_stdio().fopen(path, mode);
        if (file != nullptr) forget(::fileno(file));
        return file;
    }
    const int before = errno;
    const long opened = open_on_fiber(*self, path, mode);
    if (opened > 0 && jump_is_due()) libc_stdio().fclose(reinterpret_cast<FILE*>(opened));
    land_jump();
    errno = opened < 0 ? static_cast<int>(-opened) : before;
    if (opened < 0) return nullptr;
    FILE* const file = reinterpret_cast<FILE*>(opened);
    forget(::fileno(file));
    return file;
}

BRIO_INTERPOSE(fopen);
BRIO_INTERPOSE_ALIAS(fopen64, fopen);
