#pragma once
// From file to socket and from file to file, by the kernel where it can: asyncio's sendfile.

#include <brio/io/file.hpp>
#include <brio/io/socket.hpp>
#include <brio/version.hpp>

#include <cstdint>
#include <optional>

namespace brio::inline v0::io {

/// asyncio's sendfile: sends `count` bytes of `from`, from `offset` on; all that is left when there is
/// no count. Returns how many were sent: fewer than `count` when the file ends before. On io_uring the
/// kernel moves them; what it cannot move so, and everything on epoll, is read and sent: asyncio's
/// fallback, which cannot be switched off here.
/// **Suspends** for as long as the peer is slow. **Cancellation**: a cancellation point; takes effect
/// half-way too. **Throws** std::system_error that names the file's descriptor or the peer;
/// std::invalid_argument when `count` is 0. As in asyncio the file's position is in each case behind
/// the last byte that was sent: position() tells how many went out before it threw.
std::uint64_t sendfile(stream_socket& to, file& from, std::uint64_t offset = 0,
                       std::optional<std::uint64_t> count = {});

/// Copies up to `count` bytes, all that is left when there is no count, from one file's position to
/// the other's; both move on. Returns how many: fewer than `count` when `from` ends before. File
/// systems that can share blocks do so. Done on a thread, under io_uring too.
/// **Cancellation**: takes effect between pieces of some MiB. When it throws, the position of `to`
/// tells how much has been copied.
std::uint64_t copy(file& from, file& to, std::optional<std::uint64_t> count = {});

}  // namespace brio::inline v0::io
