#include "scheduler/reactor.hpp"

#include <string>
#include <string_view>

namespace brio::inline v0 {
namespace detail {

namespace {

/// Without a default, so that the compiler names the code that is missing.
std::string_view name_of(operation::code what) {
    using code = operation::code;
    switch (what) {
        case code::nop:
            return "nop";
        case code::read:
            return "read";
        case code::write:
            return "write";
        case code::readv:
            return "readv";
        case code::writev:
            return "writev";
        case code::recv:
            return "recv";
        case code::send:
            return "send";
        case code::recvmsg:
            return "recvmsg";
        case code::sendmsg:
            return "sendmsg";
        case code::accept:
            return "accept";
        case code::connect:
            return "connect";
        case code::poll:
            return "poll";
        case code::openat:
            return "openat";
        case code::close:
            return "close";
        case code::fsync:
            return "fsync";
        case code::statx:
            return "statx";
        case code::renameat:
            return "renameat";
        case code::unlinkat:
            return "unlinkat";
        case code::mkdirat:
            return "mkdirat";
        case code::splice:
            return "splice";
        case code::futex:
            return "futex";
        case code::waitid:
            return "waitid";
    }
    return "operation";
}

/// The path that `op` is about; "" when it is about a descriptor.
std::string_view path_of(const operation& op) {
    using code = operation::code;
    const bool has_path = op.what == code::openat || op.what == code::statx ||
                          op.what == code::renameat || op.what == code::unlinkat ||
                          op.what == code::mkdirat;
    return has_path ? static_cast<const char*>(op.address) : "";
}

}  // namespace

std::string describe(const operation& op) {
    std::string text(name_of(op.what));
    if (const std::string_view path = path_of(op); !path.empty())
        return text.append(" of ").append(path);
    return op.fd < 0 ? text : text + " of descriptor " + std::to_string(op.fd);
}

}  // namespace detail
}  // namespace brio::inline v0
