#pragma once
// System calls that Brio makes for itself, past libc's functions: the porting layer replaces those
// by ones that suspend the calling fiber, and the floors below it must not end up in there.

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <string_view>
#include <sys/syscall.h>
#include <unistd.h>

// glibc's sigaction by its other name, which nobody replaces.
extern "C" __attribute__((weak)) int __sigaction(int, const struct sigaction*,
                                                 struct sigaction*) noexcept;

namespace brio::inline v0::detail::system_calls {

/// For Brio's own handlers: the porting layer ends waits for the program's, and these are none of it.
inline int set_signal_action(int signal, const struct sigaction* action,
                             struct sigaction* before) noexcept {
    return (&__sigaction != nullptr ? __sigaction : ::sigaction)(signal, action, before);
}

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
