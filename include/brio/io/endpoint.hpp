#pragma once
// The address of a socket, as a value.

#include <brio/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace brio::inline v0::io {

/// An IPv4 or IPv6 address with a port, or a unix socket's path. Copies are independent; any thread,
/// one at a time. Where asyncio has tuples and strings.
class endpoint {
public:
    /// Names nobody.
    endpoint() noexcept = default;
    /// `host` is a numeric address; std::invalid_argument otherwise. Looks up no names.
    endpoint(std::string_view host, std::uint16_t port);
    /// A path that begins with a 0 byte is an abstract name. std::invalid_argument when it is empty
    /// or too long.
    [[nodiscard]] static endpoint of_path(std::string_view path);
    /// From a sockaddr of `size` bytes; names nobody when its family is none of these.
    [[nodiscard]] static endpoint of_sockaddr(const void* address, std::size_t size) noexcept;

    /// "127.0.0.1:80", "[::1]:80", "/run/a.socket", "@abstract"; "" when it names nobody.
    [[nodiscard]] std::string text() const;
    /// "127.0.0.1", "::1"; "" when it is none of the internet's.
    [[nodiscard]] std::string host() const;
    /// 0 when it is none of the internet's.
    [[nodiscard]] std::uint16_t port() const noexcept;
    /// Whether it names nobody: a default-constructed one, or the sender of a datagram from a unix
    /// socket without a path.
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    /// As a sockaddr of size() bytes, for C code.
    [[nodiscard]] const void* data() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    friend bool operator==(const endpoint& a, const endpoint& b) noexcept {
        return std::string_view(a.bytes_, a.size_) == std::string_view(b.bytes_, b.size_);
    }

private:
    alignas(std::uint32_t) char bytes_[112] = {};  // a sockaddr_un is the largest
    unsigned size_ = 0;
};

}  // namespace brio::inline v0::io
