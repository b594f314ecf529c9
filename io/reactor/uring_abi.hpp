#pragma once
// The kernel's io_uring interface: the one place that includes liburing, for its struct layouts and
// prep functions, and the numbers that Debian's liburing 2.3 does not know yet. They are the
// kernel's ABI; the names differ from the kernel's because newer headers have those.
//
// Nothing of liburing is linked: 2.3 corrupts a ring without SQ array and fails where the memory is
// the caller's.

#include <cstdint>
#include <liburing.h>

namespace brio::inline v0 {
namespace detail::uring_abi {

// io_uring_setup
inline constexpr std::uint32_t setup_no_mmap = 1U << 14;             // Linux 6.5
inline constexpr std::uint32_t setup_registered_fd_only = 1U << 15;  // Linux 6.5
inline constexpr std::uint32_t setup_no_sqarray = 1U << 16;          // Linux 6.6
inline constexpr std::uint32_t feature_no_iowait = 1U << 17;         // Linux 6.15
// io_uring_enter
inline constexpr std::uint32_t enter_no_iowait = 1U << 7;  // Linux 6.15
// io_uring_register
inline constexpr std::uint32_t register_use_registered_ring = 1U << 31;  // Linux 6.3
// Opcodes
inline constexpr std::uint8_t op_waitid = 50;      // Linux 6.7
inline constexpr std::uint8_t op_futex_wait = 51;  // Linux 6.7
// futex2 flags; a futex entry carries them in its fd field
inline constexpr int futex2_size_u32 = 0x02;
inline constexpr int futex2_private = 0x80;

}  // namespace detail::uring_abi
}  // namespace brio::inline v0
