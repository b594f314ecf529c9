#pragma once
// The system call instruction itself: the result is >= 0 or -errno. Unlike syscall(2) it leaves
// errno alone, which a call that succeeds must not change, and it cannot be interposed.

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <sys/syscall.h>
#include <type_traits>
#include <unistd.h>

namespace brio::inline v0::detail {

/// What the kernel takes for the size of a sigset_t, which is larger.
inline constexpr std::size_t kernel_sigset_size = _NSIG / 8;

template <class T>
long system_call_argument(T value) noexcept {
    if constexpr (std::is_pointer_v<T>)
        return reinterpret_cast<long>(value);
    else if constexpr (std::is_null_pointer_v<T>)
        return 0;
    else
        return static_cast<long>(value);
}

inline long system_call_6(long number, long a, long b, long c, long d, long e, long f) noexcept {
#if defined(__x86_64__)
    register long r10 asm("r10") = d;
    register long r8 asm("r8") = e;
    register long r9 asm("r9") = f;
    asm volatile("syscall"
                 : "+a"(number)
                 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return number;
#elif defined(__aarch64__)
    register long x8 asm("x8") = number;
    register long x0 asm("x0") = a;
    register long x1 asm("x1") = b;
    register long x2 asm("x2") = c;
    register long x3 asm("x3") = d;
    register long x4 asm("x4") = e;
    register long x5 asm("x5") = f;
    asm volatile("svc 0"
                 : "+r"(x0)
                 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                 : "memory");
    return x0;
#else
    const int before = errno;
    const long result = ::syscall(number, a, b, c, d, e, f);
    if (result >= 0) return result;
    const int error = errno;
    errno = before;
    return -error;
#endif
}

/// number(arguments...): the kernel's result, or -errno.
template <class... T>
requires(sizeof...(T) <= 6) long system_call(long number, T... arguments) noexcept {
    const long all[6] = {system_call_argument(arguments)...};
    return system_call_6(number, all[0], all[1], all[2], all[3], all[4], all[5]);
}

/// As libc answers: -1 and errno for a failure; errno is left alone otherwise.
inline long as_libc(long result) noexcept {
    if (result >= 0) return result;
    errno = static_cast<int>(-result);
    return -1;
}

}  // namespace brio::inline v0::detail
