#pragma once
// The errors that brio throws, but for those that have a header of their own: exception_group, those
// of TLS, those of tests. docs/errors.md lists all, and the text of each misuse.

#include <brio/version.hpp>

#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace brio::inline v0 {

/// CancelledError: this task was asked to stop, or what it awaited was cancelled. Not a
/// std::exception, so that `catch (const std::exception&)` does not swallow it (in Python it is a
/// BaseException for the same reason). A `catch (...)` does: name it first and rethrow.
class cancelled_error {
public:
    cancelled_error() noexcept = default;
    explicit cancelled_error(std::string_view message) : message_(std::string(message)) {}
    /// "" when cancel() gave no message.
    [[nodiscard]] const char* what() const noexcept { return message_ ? message_->c_str() : ""; }
    /// asyncio's args: none, or one that may be empty.
    [[nodiscard]] const std::optional<std::string>& message() const noexcept { return message_; }

private:
    std::optional<std::string> message_;
};

/// RuntimeError: the call is wrong here (no loop, another loop or thread, a scope entered twice).
class usage_error : public std::logic_error {
    using std::logic_error::logic_error;
};
/// InvalidStateError: a result read too early, or set twice. (ValueError is std::invalid_argument.)
class invalid_state_error : public std::logic_error {
    using std::logic_error::logic_error;
};
/// LookupError: a context variable that is not set and has no default.
class lookup_error : public std::out_of_range {
    using std::out_of_range::out_of_range;
};
/// TimeoutError: as in Python an OS error, errc::timed_out; also thrown for a kernel's ETIMEDOUT.
/// timeout_scope::expired() tells the two apart.
class timeout_error : public std::system_error {
public:
    explicit timeout_error(const std::string& what = "timed out")
        : std::system_error(std::make_error_code(std::errc::timed_out)), text_(what) {}
    [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

private:
    std::string text_;
};
/// BrokenBarrierError: the barrier was reset or aborted while this task waited, or is aborted.
class broken_barrier_error : public std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// QueueEmpty: out of get_nowait().
class queue_empty : public std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// QueueFull: out of put_nowait().
class queue_full : public std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// QueueShutDown: nothing can be put any more, and nothing is left to get.
class queue_shut_down : public std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// IncompleteReadError: a stream ended before readexactly or readuntil had what they want. The bytes
/// that came are no longer in the stream: they are here.
class incomplete_read_error : public std::runtime_error {
public:
    incomplete_read_error(const std::string& what, std::string partial,
                          std::optional<std::size_t> expected)
        : std::runtime_error(what), partial_(std::move(partial)), expected_(expected) {}
    [[nodiscard]] const std::string& partial() const noexcept { return partial_; }
    /// Bytes; none for readuntil.
    [[nodiscard]] std::optional<std::size_t> expected() const noexcept { return expected_; }

private:
    std::string partial_;
    std::optional<std::size_t> expected_;
};
/// LimitOverrunError: no separator within a stream's limit.
class limit_overrun_error : public std::runtime_error {
public:
    limit_overrun_error(const std::string& what, std::size_t consumed)
        : std::runtime_error(what), consumed_(consumed) {}
    /// Bytes at the front of the stream's buffer that belong to no separator: to be read, or skipped.
    [[nodiscard]] std::size_t consumed() const noexcept { return consumed_; }

private:
    std::size_t consumed_;
};
/// KeyboardInterrupt. Leaves run() only, after a SIGINT has cancelled main; so, unlike Python's, a
/// std::exception: the last handler in main() prints it.
class keyboard_interrupt : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override { return "interrupted by SIGINT"; }
};

}  // namespace brio::inline v0
