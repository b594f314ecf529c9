#pragma once
// Socket addresses: from text, and to text for errors.

#include <cstdint>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <vector>

namespace brio::inline v0::detail {

struct address {
    union {
        sockaddr base;
        sockaddr_in v4;
        sockaddr_in6 v6;
        sockaddr_un local;
    };
    socklen_t length = sizeof(sockaddr_un);

    address() noexcept : local{} {}
    [[nodiscard]] std::string text() const;
};

/// False when `host` is no numeric IPv4 or IPv6 address.
[[nodiscard]] bool parse_numeric(std::string_view host, std::uint16_t port, address& result);
/// std::invalid_argument when the path is empty or too long.
[[nodiscard]] address unix_address(std::string_view path);
/// Looks `host` up on a helper thread; suspends. std::system_error when there is no such name.
[[nodiscard]] std::vector<address> look_up(std::string_view host, std::uint16_t port);
/// Whom a socket is connected to, for errors.
[[nodiscard]] std::string peer_of(int fd);

}  // namespace brio::inline v0::detail
