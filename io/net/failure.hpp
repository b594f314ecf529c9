#pragma once
// What the native API throws: from -errno to the exception, and what is wrong before the kernel is
// asked.

#include <brio/io/descriptor.hpp>

#include <string>
#include <string_view>

namespace brio::inline v0::detail {

/// std::system_error(error, "CALL OBJECT"); timeout_error for ETIMEDOUT. `error` is positive.
[[noreturn]] void throw_io_error(int error, const char* call, const std::string& object);
/// usage_error: "CALL: it is closed".
[[noreturn]] void throw_closed(const char* call);
/// The number of an open descriptor; throw_closed(call) when there is none.
[[nodiscard]] int number_of(const io::descriptor& fd, const char* call);
[[nodiscard]] int number_of(int fd, const char* call);
/// The path with a final 0; std::invalid_argument when there is one before.
[[nodiscard]] std::string path_for(const char* call, std::string_view path);

}  // namespace brio::inline v0::detail
