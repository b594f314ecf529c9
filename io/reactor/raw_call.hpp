#pragma once
// System calls that answer as the kernel does, past libc's functions, which the porting layer
// interposes, and without touching errno, which belongs to the running fiber.

#include <brio/version.hpp>

#include <cerrno>
#include <sys/syscall.h>
#include <type_traits>
#include <unistd.h>

namespace brio::inline v0 {
namespace detail {

/// An argument as the kernel gets it: a whole word, whatever its type.
template <class T>
long word(T value) noexcept {
    if constexpr (std::is_pointer_v<T>)
        return reinterpret_cast<long>(value);
    else
        return static_cast<long>(value);
}

/// The result, or -errno.
template <class... Arguments>
int raw_call(long number, Arguments... arguments) noexcept {
    const int saved = errno;
    const long result = ::syscall(number, word(arguments)...);
    const int error = errno;
    errno = saved;
    return result < 0 ? -error : static_cast<int>(result);
}

}  // namespace detail
}  // namespace brio::inline v0
