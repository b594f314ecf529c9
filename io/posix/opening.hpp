#pragma once
// What opening a path waits for, for functions of libc that open one inside.

#include "fiber/fiber.hpp"

namespace brio::inline v0::detail::posix {

enum class opening_waits { never, for_the_disk, for_somebody };

/// `flags` and AT_FDCWD as for openat(2). May suspend.
[[nodiscard]] opening_waits opening_waits_of(fiber& self, const char* path, int flags) noexcept;

}  // namespace brio::inline v0::detail::posix
