#pragma once
// Kernel features that Brio uses where it finds them, and the environment variable that hides them,
// so that the fallback of each can be tested on a kernel that has it.
//
//   BRIO_MASK=guard,futex        these two
//   BRIO_MASK=linux-6.1          all that came after Linux 6.1

#include <string_view>

namespace brio::inline v0::detail {

enum class feature {
    defer_taskrun,         // IORING_SETUP_DEFER_TASKRUN
    no_mmap,               // IORING_SETUP_NO_MMAP
    registered_ring_only,  // IORING_SETUP_REGISTERED_FD_ONLY
    no_sqarray,            // IORING_SETUP_NO_SQARRAY
    futex,                 // IORING_OP_FUTEX_WAIT
    waitid,                // IORING_OP_WAITID
    pipe_nowait,           // RWF_NOWAIT on pipes
    pidfd_thread,          // PIDFD_THREAD
    guard,                 // MADV_GUARD_INSTALL
    no_iowait,             // IORING_ENTER_NO_IOWAIT
    count,                 // how many there are
};

/// True when the environment hides `f`. The environment is read once.
/// **Throws** std::invalid_argument when BRIO_MASK has a name that stands for nothing.
[[nodiscard]] bool masked(feature f);

/// The same for a given list.
[[nodiscard]] bool masked(feature f, std::string_view list);

}  // namespace brio::inline v0::detail
