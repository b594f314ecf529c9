#include "scheduler/reactor.hpp"

#include <iterator>
#include <string>
#include <string_view>

namespace brio::inline v0 {
namespace detail {

namespace {

constexpr std::string_view names[] = {
    "nop",     "read",   "write",   "readv", "writev", "recv",  "send",  "recvmsg",
    "sendmsg", "accept", "connect", "poll",  "openat", "close", "fsync", "statx",
};
static_assert(std::size(names) == static_cast<std::size_t>(operation::code::statx) + 1);

}  // namespace

std::string describe(const operation& op) {
    std::string text(names[static_cast<std::size_t>(op.what)]);
    if (op.what == operation::code::openat || op.what == operation::code::statx)
        return text + " of " + static_cast<const char*>(op.address);
    return op.fd < 0 ? text : text + " of descriptor " + std::to_string(op.fd);
}

}  // namespace detail
}  // namespace brio::inline v0
