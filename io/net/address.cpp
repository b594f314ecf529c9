#include "net/address.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <sys/syscall.h>
#include <unistd.h>

namespace brio::inline v0::detail {
address::address(const io::endpoint& e) noexcept
    : local{}, length(static_cast<socklen_t>(e.size())) {
    std::memcpy(&base, e.data(), e.size());
}

std::string address::text() const {
    if (base.sa_family == AF_INET) return host() + ":" + std::to_string(port());
    if (base.sa_family == AF_INET6)
        return std::string("[") + host() + "]:" + std::to_string(port());
    constexpr std::size_t head = offsetof(sockaddr_un, sun_path);
    if (base.sa_family != AF_UNIX || length <= head) return "an unnamed peer";
    std::string path(local.sun_path, std::min<std::size_t>(length - head, sizeof local.sun_path));
    if (!path.empty() && path[0] == '\0') path[0] = '@';
    return path.c_str();
}

std::string address::host() const {
    char text[INET6_ADDRSTRLEN] = {};
    if (base.sa_family == AF_INET) ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    if (base.sa_family == AF_INET6) ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return text;
}

std::uint16_t address::port() const noexcept {
    if (base.sa_family == AF_INET) return ntohs(v4.sin_port);
    return base.sa_family == AF_INET6 ? ntohs(v6.sin6_port) : std::uint16_t{0};
}

void address::set_port(std::uint16_t port) noexcept {
    if (base.sa_family == AF_INET) v4.sin_port = htons(port);
    if (base.sa_family == AF_INET6) v6.sin6_port = htons(port);
}

bool operator==(const address& a, const address& b) noexcept {
    return a.length == b.length && std::memcmp(&a.base, &b.base, a.length) == 0;
}

bool parse_numeric(std::string_view host, std::uint16_t port, address& result) {
    const std::string text(host);
    result = address();
    if (::inet_pton(AF_INET, text.c_str(), &result.v4.sin_addr) == 1) {
        result.v4.sin_family = AF_INET;
        result.v4.sin_port = htons(port);
        result.length = sizeof(sockaddr_in);
        return true;
    }
    if (::inet_pton(AF_INET6, text.c_str(), &result.v6.sin6_addr) == 1) {
        result.v6.sin6_family = AF_INET6;
        result.v6.sin6_port = htons(port);
        result.length = sizeof(sockaddr_in6);
        return true;
    }
    return false;
}

address unix_address(std::string_view path) {
    address result;
    if (path.empty()) throw std::invalid_argument("a unix socket's path is empty");
    const bool abstract = path[0] == '\0';
    if (path.size() + (abstract ? 0 : 1) > sizeof result.local.sun_path)
        throw std::invalid_argument("a unix socket's path is longer than the system allows: " +
                                    std::string(path));
    result.local.sun_family = AF_UNIX;
    std::memcpy(result.local.sun_path, path.data(), path.size());
    result.length =
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
    return result;
}

std::string peer_of(int fd) {
    address peer;
    if (::syscall(SYS_getpeername, fd, &peer.base, &peer.length) != 0) return "a lost peer";
    return peer.text();
}

}  // namespace brio::inline v0::detail
