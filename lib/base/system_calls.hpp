#pragma once
// System calls that Brio makes for itself, past libc's functions: the porting layer replaces those
// by ones that suspend the calling fiber, and the floors below it must not end up in there.

#include <cerrno>
#include <cstddef>
#include <string_view>
#include <sys/syscall.h>
#include <unistd.h>

namespace brio::inline v0::detail::system_calls {

/// Writes all of `text` to standard error. Safe in a signal handler; keeps errno; gives up when the
/// write fails, because there is nowhere left to say so.
inline void write_error_text(std::string_view text) noexcept {
    const int saved = errno;
    while (!text.empty()) {
        const long written = ::syscall(SYS_write, STDERR_FILENO, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) break;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    errno = saved;
}

}  // namespace brio::inline v0::detail::system_calls
