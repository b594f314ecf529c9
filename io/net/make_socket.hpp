#pragma once
// How sockets of every kind begin, and what they answer about themselves. Raw system calls: libc's
// names may be interposed, and these never block.

#include "net/address.hpp"

#include <brio/io/descriptor.hpp>
#include <brio/io/endpoint.hpp>

namespace brio::inline v0::detail {

/// `type`: SOCK_STREAM or SOCK_DGRAM.
[[nodiscard]] io::descriptor open_socket(int family, int type);
void bind_to(const io::descriptor& fd, const address& where);
/// Suspends.
void connect_to(const io::descriptor& fd, const address& peer);
/// An option that is an int.
void set_option(int fd, int level, int option, int value);

/// "" as all IPv4 addresses, as in C and asyncio.
[[nodiscard]] inline std::string_view any_if_empty(std::string_view host) noexcept {
    return host.empty() ? "0.0.0.0" : host;
}

[[nodiscard]] io::endpoint own_endpoint(int fd);
/// Empty when not connected, or no longer.
[[nodiscard]] io::endpoint peer_endpoint(int fd);

}  // namespace brio::inline v0::detail
