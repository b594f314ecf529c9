#pragma once
// From the kernel's description of a file to the public one.

#include <brio/io/file.hpp>

struct statx;

namespace brio::inline v0::detail {

/// `mode`: an st_mode.
[[nodiscard]] io::file_type type_of(unsigned mode) noexcept;
[[nodiscard]] io::file_status status_of(const struct statx& found) noexcept;

}  // namespace brio::inline v0::detail
