#pragma once

namespace brio::inline v0::detail::posix {

/// In the child of a fork: the threads that may have held the lock of the list of streams are not there.
void free_stream_list_after_fork() noexcept;

}  // namespace brio::inline v0::detail::posix
