#pragma once
// Writing to a pipe, which raises SIGPIPE on the thread that makes the call when nobody reads any
// more, and which, unlike a socket, cannot be asked to spare us. With a ring that thread may be any; so
// writes to pipes are made here, when there is room, with the signal held back.

#include <brio/bytes.hpp>

namespace brio::inline v0::detail {

/// Does not block. The count, would_block (reactor/direct_call.hpp), or -errno.
[[nodiscard]] int try_write_to_pipe(int fd, bytes_view data) noexcept;

}  // namespace brio::inline v0::detail
