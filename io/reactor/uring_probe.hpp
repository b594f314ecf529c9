#pragma once
// What the running kernel's io_uring offers of that which Brio can do without.
//
//   feature               from Linux   without it
//   defer_taskrun                6.1   COOP_TASKRUN
//   registered_ring_only         6.5   a descriptor, registered where there is a place
//   no_sqarray                   6.6   an index array that never changes
//   futex                        6.7   an eventfd wakes the loop
//   no_iowait                   6.15   an idle program shows up as waiting for I/O
//
// Below Linux 5.19 (no COOP_TASKRUN, no way to cancel everything) the epoll reactor is taken.

#include <brio/version.hpp>

#include <string>

namespace brio::inline v0 {
namespace detail {

struct ring_features {
    bool defer_taskrun = true;
    bool registered_ring_only = true;
    bool no_sqarray = true;
    bool futex = true;
    bool no_iowait = true;
};

/// All but those that BRIO_MASK hides.
[[nodiscard]] ring_features unmasked_ring_features();
/// "Linux 6.18, futex wake, ...": the kernel's release and what is in use of it.
[[nodiscard]] std::string describe(const ring_features& used);

}  // namespace detail
}  // namespace brio::inline v0
