#pragma once
// What a file is that somebody wants to run, as far as preloading goes.

#include <string>

namespace brio::inline v0::detail {

/// Why the dynamic loader would not put a preloaded object into the program in `path`; empty when it
/// will. A script is judged by its interpreter. Throws std::system_error when it cannot be read.
[[nodiscard]] std::string why_not_preloadable(const std::string& path);

}  // namespace brio::inline v0::detail
