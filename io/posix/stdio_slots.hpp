#pragma once
// Where libc's stdio reaches the kernel: the tables of functions behind a FILE. See stdio_slots.cpp.

#include <cstddef>
#include <span>

namespace brio::inline v0::detail::posix {

/// Two neighbours in a FILE's table: how it reads and how it writes.
struct slot_pair {
    void* read;
    void* write;
};

/// Puts `to` in the place of each `from`, when `words` holds `expected` of them, and neither half of
/// one anywhere else; touches nothing otherwise. Whether it did.
bool replace_pairs(std::span<void*> words, slot_pair from, slot_pair to,
                   std::size_t expected) noexcept;

/// Makes stdio suspend fibers. Once, at start-up, before there are threads. False: libc's tables are
/// not those of the glibc that this was made for, and stdio blocks as ever.
bool patch_stdio() noexcept;
/// Whether that was done.
[[nodiscard]] bool stdio_suspends() noexcept;

}  // namespace brio::inline v0::detail::posix
