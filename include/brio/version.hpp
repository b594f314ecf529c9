#pragma once
// Version macros and the floor of compiler and system. The only header with macros.

#define BRIO_VERSION_MAJOR 0
#define BRIO_VERSION_MINOR 1
#define BRIO_VERSION_PATCH 0

#if !defined(__linux__)
#error "brio needs Linux"
#elif __cplusplus < 202002L
#error "brio needs C++20: link brio::brio with CMake, or add -std=c++20"
#elif !defined(__cpp_exceptions)
#error "brio needs exceptions: cancellation is one; remove -fno-exceptions (-fno-rtti is fine)"
#endif
