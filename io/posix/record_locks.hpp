#pragma once

#include "fiber/fiber.hpp"

#include <fcntl.h>

namespace brio::inline v0::detail::posix {

/// fcntl's F_SETLKW or F_OFD_SETLKW: 0 or -errno.
long wait_for_record_lock(fiber& self, int fd, int command, const struct flock* wanted) noexcept;

}  // namespace brio::inline v0::detail::posix
