#pragma once
// Waiting for one child, for calls of libc that do so inside.

#include <sys/types.h>

namespace brio::inline v0::detail::posix {

/// wait4(child, status, 0, null) as the caller's own: suspends a fiber, blocks anybody else. The
/// kernel's result, or -errno: -EINTR and -ECANCELED among them.
long wait_for_child(pid_t child, int* status);

}  // namespace brio::inline v0::detail::posix
