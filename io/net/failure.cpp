#include "net/failure.hpp"

#include <brio/error.hpp>

#include <cerrno>
#include <system_error>

namespace brio::inline v0::detail {

void throw_io_error(int error, const char* call, const std::string& object) {
    const std::string what = object.empty() ? std::string(call) : std::string(call) + " " + object;
    const std::error_code code(error, std::system_category());
    if (error == ETIMEDOUT) throw timeout_error(what + ": " + code.message());
    throw std::system_error(code, what);
}

void throw_closed(const char* call) {
    throw usage_error(std::string(call) + ": it is closed, or was moved from");
}

}  // namespace brio::inline v0::detail
