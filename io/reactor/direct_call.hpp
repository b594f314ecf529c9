#pragma once
// Operations as plain system calls: tried without blocking, or made on a thread that may block.
// Raw calls throughout: libc's names are the porting layer's.

#include "scheduler/reactor.hpp"

#include <brio/version.hpp>

namespace brio::inline v0 {
namespace detail {

/// What try_call answers when the call would block; no system call returns it.
inline constexpr int would_block = -0x10000;

/// Tries `op` on `fd` (op.fd, or a duplicate of it) without blocking. Returns its result, or
/// would_block. Not for operations that cannot become ready: openat, close, fsync, connect, ...
[[nodiscard]] int try_call(const operation& op, int fd) noexcept;

/// Makes the call, for as long as it takes.
[[nodiscard]] int blocking_call_of(const operation& op) noexcept;

/// The events (EPOLL*, which are POLL*) that let `op` go on.
[[nodiscard]] unsigned events_of(const operation& op) noexcept;

/// Starts to connect without blocking. -EINPROGRESS: finish_connect() when writable.
/// -EAGAIN: a local server's queue is full, and nothing announces when it is not.
[[nodiscard]] int start_connect(const operation& op) noexcept;
/// The result of a connect under way, or would_block.
[[nodiscard]] int finish_connect(const operation& op, int fd) noexcept;

}  // namespace detail
}  // namespace brio::inline v0
