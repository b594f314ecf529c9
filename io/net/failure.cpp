#include "net/failure.hpp"

#include <brio/error.hpp>

#include <cerrno>
#include <stdexcept>
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

int number_of(const io::descriptor& fd, const char* call) {
    return number_of(fd.get(), call);
}

int number_of(int fd, const char* call) {
    if (fd < 0) throw_closed(call);
    return fd;
}

std::string path_for(const char* call, std::string_view path) {
    if (path.find('\0') != std::string_view::npos)
        throw std::invalid_argument(std::string(call) + ": the path has a 0 byte in it");
    return std::string(path);
}

}  // namespace brio::inline v0::detail
