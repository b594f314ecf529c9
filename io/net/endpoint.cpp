#include "net/address.hpp"

#include <brio/io/endpoint.hpp>

#include <cstddef>
#include <cstring>
#include <stdexcept>

namespace brio::inline v0::io {

using detail::address;

endpoint::endpoint(std::string_view host, std::uint16_t port) {
    address parsed;
    if (!detail::parse_numeric(host, port, parsed))
        throw std::invalid_argument("endpoint: not a numeric address: " + std::string(host));
    *this = of_sockaddr(&parsed.base, parsed.length);
}

endpoint endpoint::of_path(std::string_view path) {
    const address parsed = detail::unix_address(path);
    return of_sockaddr(&parsed.base, parsed.length);
}

endpoint endpoint::of_sockaddr(const void* from, std::size_t size) noexcept {
    static_assert(sizeof(address::local) <= sizeof bytes_);
    endpoint result;
    sockaddr head = {};
    if (size > sizeof result.bytes_ || size < sizeof head.sa_family) return result;
    std::memcpy(&head.sa_family, from, sizeof head.sa_family);
    const bool known = (head.sa_family == AF_INET && size == sizeof(sockaddr_in)) ||
                       (head.sa_family == AF_INET6 && size == sizeof(sockaddr_in6)) ||
                       (head.sa_family == AF_UNIX && size > offsetof(sockaddr_un, sun_path));
    if (!known) return result;
    std::memcpy(result.bytes_, from, size);
    result.size_ = static_cast<unsigned>(size);
    return result;
}

std::string endpoint::text() const {
    return empty() ? std::string() : address(*this).text();
}

std::string endpoint::host() const {
    return address(*this).host();
}

std::uint16_t endpoint::port() const noexcept {
    return address(*this).port();
}

}  // namespace brio::inline v0::io
