#pragma once

#include <span>

#include "posix/layer.hpp"

namespace brio::inline v0::detail::posix {

/// The rows of symbols.def that this build has.
[[nodiscard]] std::span<const interposed_symbol> symbols() noexcept;

}  // namespace brio::inline v0::detail::posix
