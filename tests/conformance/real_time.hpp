#pragma once
// The scenarios on the real clock, a unit being a millisecond: none may hang, and where timing cannot
// decide it, the lines come in the expected order.

#include "conformance/scenario.hpp"

#include <vector>

namespace conformance {

struct real_time_options {
    int rounds = 1;
    int every = 1;  // every n-th scenario only
};

/// Names those that differ, and says how many were compared. Ends the program when one hangs.
/// Returns the number of failures.
int run_in_real_time(const std::vector<scenario>& scenarios, const real_time_options& options);

}  // namespace conformance
