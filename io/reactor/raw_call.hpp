#pragma once
// System calls whose results are as small as descriptors, counts of bytes that fit, and errors.

#include "base/system_call.hpp"

#include <brio/version.hpp>

namespace brio::inline v0 {
namespace detail {

/// The result, or -errno. Past libc's functions; errno, which belongs to the running fiber, is left alone.
template <class... Arguments>
int raw_call(long number, Arguments... arguments) noexcept {
    return static_cast<int>(system_call(number, arguments...));
}

}  // namespace detail
}  // namespace brio::inline v0
