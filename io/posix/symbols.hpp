#pragma once

#include "posix/layer.hpp"

#include <span>

namespace brio::inline v0::detail::posix {

/// The rows of symbols.def that this build has.
[[nodiscard]] std::span<const interposed_symbol> symbols() noexcept;

}  // namespace brio::inline v0::detail::posix
