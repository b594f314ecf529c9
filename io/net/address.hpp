#pragma once
// Socket addresses: from text, and to text for errors.

#include "net/failure.hpp"

#include <brio/io/endpoint.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
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
    explicit address(const io::endpoint& e) noexcept;
    [[nodiscard]] std::string text() const;
    /// "" and 0 when it is neither IPv4 nor IPv6.
    [[nodiscard]] std::string host() const;
    [[nodiscard]] std::uint16_t port() const noexcept;
    /// Nothing when it is neither.
    void set_port(std::uint16_t port) noexcept;
    friend bool operator==(const address& a, const address& b) noexcept;
};

/// False when `host` is no numeric IPv4 or IPv6 address.
[[nodiscard]] bool parse_numeric(std::string_view host, std::uint16_t port, address& result);
/// std::invalid_argument when the path is empty or too long.
[[nodiscard]] address unix_address(std::string_view path);
/// One when `host` is numeric; else looks it up on a helper thread, which suspends. std::system_error
/// when there is no such name. "" is this machine.
[[nodiscard]] std::vector<address> addresses_of(std::string_view host, std::uint16_t port);
/// The first result of attempt(address) that throws no std::system_error, for the addresses of `host`
/// in turn. The last error is thrown.
template <class Attempt>
auto first_of(const char* call, std::string_view host, std::uint16_t port, Attempt attempt) {
    const std::vector<address> candidates = addresses_of(host, port);
    for (std::size_t i = 0; i + 1 < candidates.size(); ++i) {
        try {
            return attempt(candidates[i]);
        } catch (const std::system_error&) {
            continue;  // the next one may do
        }
    }
    if (candidates.empty()) throw_io_error(EADDRNOTAVAIL, call, std::string(host));
    return attempt(candidates.back());
}

/// Whom a socket is connected to, for errors.
[[nodiscard]] std::string peer_of(int fd);

}  // namespace brio::inline v0::detail
