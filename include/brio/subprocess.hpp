#pragma once
// asyncio's subprocesses: programs that run beside this one, with pipes to talk to them.
//
//   auto p = brio::create_subprocess_exec({"sort", "-u"}, {.stdin = brio::subprocess::pipe,
//                                                          .stdout = brio::subprocess::pipe});
//   auto [sorted, errors] = p.communicate("b\na\nb\n");
//
// The loop watches its child processes, whether somebody waits for them or not: there are no
// zombies, and no SIGCHLD handler. A program that waits for all its children itself, or ignores
// SIGCHLD, takes the status away: the returncode is then 255, and the exception handler is told.

#include <brio/bytes.hpp>
#include <brio/stream.hpp>
#include <brio/subprocess_options.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace brio::inline v0 {

namespace detail {
class child;
}  // namespace detail

namespace subprocess {
class process;
}  // namespace subprocess

/// Starts the program `arguments[0]`, found as the shell finds it, with these arguments. The calling
/// thread stands still until the program has been loaded. A cancellation point; does not suspend.
/// **Throws** std::system_error that names the program when it cannot be started (ENOENT, EACCES);
/// std::invalid_argument for arguments with a 0 byte, or none; usage_error without a running loop.
[[nodiscard]] subprocess::process create_subprocess_exec(const std::vector<std::string>& arguments,
                                                         const subprocess::options& how = {});
/// Likewise `/bin/sh -c command`. Whoever puts words of others into the command has to quote them:
/// better is create_subprocess_exec.
[[nodiscard]] subprocess::process create_subprocess_shell(std::string_view command,
                                                          const subprocess::options& how = {});

namespace subprocess {

/// asyncio's Process. Move-only. For the thread of its loop.
///
/// The destructor closes the pipes and does not suspend; the process runs on, and the loop waits for
/// it. What still runs when the loop closes is killed (SIGKILL) and waited for, as asyncio does when
/// it drops a transport. To kill it earlier, also when the task is cancelled:
///
///   try { p.wait(); }
///   catch (...) { if (!p.returncode()) p.kill(); brio::shielded([&] { p.wait(); }); throw; }
class process {
public:
    process(process&& other) noexcept
        : stdin(std::move(other.stdin)),
          stdout(std::move(other.stdout)),
          stderr(std::move(other.stderr)),
          child_(std::exchange(other.child_, nullptr)),
          collected_(std::move(other.collected_)) {}
    process& operator=(process other) noexcept {
        stdin.swap(other.stdin);
        stdout.swap(other.stdout);
        stderr.swap(other.stderr);
        std::swap(child_, other.child_);
        std::swap(collected_, other.collected_);
        return *this;
    }
    ~process();

    /// The streams for which the options said `pipe`.
    std::optional<stream_writer> stdin;
    std::optional<stream_reader> stdout;
    std::optional<stream_reader> stderr;

    [[nodiscard]] pid_t pid() const;
    /// The exit status, or the negative number of the signal that ended it; empty while it runs, and
    /// until the loop has noticed. Never suspends.
    [[nodiscard]] std::optional<int> returncode() const;

    /// Suspends until the process has ended; returns the returncode. Any number of tasks may wait.
    /// **Cancellation** ends the wait alone: the process runs on. A child that writes more than a pipe
    /// holds (64 KiB), to a pipe that nobody reads, never ends: communicate().
    int wait();

    struct output {
        std::string stdout;
        std::string stderr;
    };
    /// Writes the input to stdin and closes it, reads stdout and stderr to their ends, all at once,
    /// and waits for the process. Streams that are no pipes give "". A child that does not read all
    /// of its input is no error. **Cancellation** leaves the process running, and what has been read
    /// is kept: a later communicate(), without input, goes on. **Throws** usage_error for input where
    /// stdin is no pipe (asyncio drops it).
    output communicate(bytes_view input = "");

    /// **Throws** std::system_error: errc::no_such_process (ProcessLookupError) when it has ended.
    /// The signal goes to this process alone; for a whole group ::kill(-pid, ...) with
    /// options::process_group = 0.
    void send_signal(int number);
    /// SIGTERM.
    void terminate();
    /// SIGKILL.
    void kill();

    /// For brio itself. Takes over `started`.
    process(detail::child* started, std::optional<stream_writer> in,
            std::optional<stream_reader> out, std::optional<stream_reader> err) noexcept
        : stdin(std::move(in)), stdout(std::move(out)), stderr(std::move(err)), child_(started) {}

private:
    [[nodiscard]] detail::child& child(const char* call) const;

    detail::child* child_;
    output collected_;  // by a communicate() that was cancelled
};

}  // namespace subprocess
}  // namespace brio::inline v0
