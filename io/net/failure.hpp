#pragma once
// From -errno to the exception: the one place where the native API does that.

#include <string>

namespace brio::inline v0::detail {

/// std::system_error(error, "CALL OBJECT"); timeout_error for ETIMEDOUT. `error` is positive.
[[noreturn]] void throw_io_error(int error, const char* call, const std::string& object);
/// usage_error: "CALL: it is closed".
[[noreturn]] void throw_closed(const char* call);

}  // namespace brio::inline v0::detail
