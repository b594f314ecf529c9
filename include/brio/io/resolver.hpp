#pragma once
// Names and addresses: asyncio's loop.getaddrinfo and loop.getnameinfo.
//
// Both suspend while a helper thread asks; name look-ups have a small pool of their own. A
// cancellation point: the thread then finishes without anybody. They throw usage_error outside tasks.

#include <brio/io/endpoint.hpp>
#include <brio/version.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace brio::inline v0::io {

/// getaddrinfo(3)'s hints; 0 is any.
struct address_hints {
    int family = 0;  // AF_INET, AF_INET6
    int type = 0;    // SOCK_STREAM, SOCK_DGRAM
    int protocol = 0;
    int flags = 0;  // AI_PASSIVE, AI_CANONNAME, ...
};

struct address_info {
    int family = 0;
    int type = 0;
    int protocol = 0;
    std::string canonical_name = {};  // of the first answer, with AI_CANONNAME
    endpoint address = {};
};

/// `host` "" is this machine (every interface with AI_PASSIVE), `service` a number, or a name such as
/// "http", or "". In the order of preference. Throws std::system_error: getaddrinfo's own code, or
/// errno.
[[nodiscard]] std::vector<address_info> getaddrinfo(std::string_view host,
                                                    std::string_view service = "",
                                                    const address_hints& hints = {});

struct name_info {
    std::string host;
    std::string service;
};
/// The names of an address, or its digits when it has none; `flags` are getnameinfo(3)'s. Throws as
/// getaddrinfo().
[[nodiscard]] name_info getnameinfo(const endpoint& address, int flags = 0);

}  // namespace brio::inline v0::io
