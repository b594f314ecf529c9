#pragma once
// The calls that an execution is in the middle of, as return addresses, innermost first.
//
// 1. The unwinder finds them, by the tables that exceptions need: no frame pointers wanted.
// 2. It reads a suspended stack from outside: nothing runs on that stack, nothing there changes.

#include "context/context.hpp"

#include <cstddef>
#include <span>

namespace brio::inline v0::detail {

// `top` is that of prepare_context: what lies there is the first frame, which is no call. Each fills
// what `into` has room for, and returns how many there are.

/// Those of the running execution.
[[nodiscard]] std::size_t backtrace(const void* top, std::span<const void*> into) noexcept;
/// Those of the one that is suspended with this stack pointer. None with Boost.Context's switch.
[[nodiscard]] std::size_t backtrace(const void* top, void* suspended,
                                    std::span<const void*> into) noexcept;

}  // namespace brio::inline v0::detail
