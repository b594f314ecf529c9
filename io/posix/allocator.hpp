#pragma once
// The memory allocator, where that is not libc's: jemalloc, tcmalloc, linked or preloaded. Its locks
// are not to suspend a fiber: it keeps state for each thread, and is in the middle of changing it.

namespace brio::inline v0::detail::posix {

/// Notes where the allocator's code lies. Once, at start-up.
void find_allocator() noexcept;
/// Whether `code` is the allocator's.
[[nodiscard]] bool is_in_allocator(const void* code) noexcept;

}  // namespace brio::inline v0::detail::posix
