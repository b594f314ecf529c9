#pragma once
// What a child process is started with: asyncio's keyword arguments of create_subprocess_exec.

#include <brio/version.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace brio::inline v0::subprocess {

/// Where one of the child's standard streams leads to: `pipe`, `devnull`, `stdout` (for stderr
/// alone: where stdout leads), or the number of an open descriptor. That one is borrowed for the
/// call: the child gets a duplicate, and the caller closes his own.
class stdio {
public:
    enum class kind : unsigned char { inherited, pipe, devnull, stdout, descriptor };

    /// The caller's own stream, which the child shares: asyncio's None.
    constexpr stdio() noexcept = default;
    constexpr stdio(int descriptor) noexcept : what_(kind::descriptor), fd_(descriptor) {}
    explicit constexpr stdio(kind what) noexcept : what_(what) {}
    [[nodiscard]] constexpr kind what() const noexcept { return what_; }
    [[nodiscard]] constexpr int descriptor() const noexcept { return fd_; }

private:
    kind what_ = kind::inherited;
    int fd_ = -1;
};

/// The process object has the other end, as its stdin, stdout or stderr.
inline constexpr stdio pipe{stdio::kind::pipe};
inline constexpr stdio devnull{stdio::kind::devnull};
inline constexpr stdio stdout{stdio::kind::stdout};

/// Names and values.
using environment = std::map<std::string, std::string>;
/// A copy of this process's: Python's os.environ, to add to. getenv's rules for threads hold.
[[nodiscard]] environment current_environment();

/// asyncio's user, group, extra_groups, umask and preexec_fn have no counterpart: they would run code
/// between vfork and exec. setpriv(1), or a shell that sets its umask, does the same.
struct options {
    stdio stdin = {};
    stdio stdout = {};
    stdio stderr = {};
    /// All that the child gets; this process's own when empty.
    std::optional<environment> env = {};
    /// The child's working directory; ours when empty. A program's relative path begins there.
    std::string cwd = {};
    /// What is run in place of the first argument (of the shell), which stays the child's argv[0].
    std::string executable = {};
    /// Descriptors that the child gets under the same numbers.
    std::vector<int> pass_fds = {};
    /// All other descriptors above 2 are closed in the child. When false, those without O_CLOEXEC
    /// are inherited.
    bool close_fds = true;
    /// setsid: no terminal, a process group of its own.
    bool start_new_session = false;
    /// setpgid: 0 for a group of its own, else an existing one.
    std::optional<pid_t> process_group = {};
    /// Of the readers: see open_connection. Bytes.
    std::size_t limit = 64 * std::size_t{1024};
};

}  // namespace brio::inline v0::subprocess
