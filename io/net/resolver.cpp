// Names and addresses: look-ups, on helper threads.

#include "net/address.hpp"
#include "net/failure.hpp"
#include "thread/blocking_call.hpp"
#include "thread/worker_pool.hpp"

#include <brio/io/resolver.hpp>

#include <array>
#include <cerrno>
#include <netdb.h>
#include <string>
#include <system_error>
#include <utility>

namespace brio::inline v0 {
namespace detail {

namespace {

/// getaddrinfo's own error codes.
class resolver_category final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "getaddrinfo"; }
    [[nodiscard]] std::string message(int code) const override { return ::gai_strerror(code); }
};

/// Both run on the helper thread, and own what they work on.
struct address_question {
    std::string host;
    std::string service;
    io::address_hints hints;
    std::vector<io::address_info> found = {};
    int status = 0;
    int error = 0;

    void operator()() noexcept {
        addrinfo wanted = {};
        wanted.ai_family = hints.family;
        wanted.ai_socktype = hints.type;
        wanted.ai_protocol = hints.protocol;
        wanted.ai_flags = hints.flags;
        addrinfo* list = nullptr;
        status = ::getaddrinfo(text_or_null(host), text_or_null(service), &wanted, &list);
        error = errno;
        for (const addrinfo* a = list; a != nullptr; a = a->ai_next)
            found.push_back({a->ai_family, a->ai_socktype, a->ai_protocol,
                             a->ai_canonname != nullptr ? a->ai_canonname : "",
                             io::endpoint::of_sockaddr(a->ai_addr, a->ai_addrlen)});
        if (list != nullptr) ::freeaddrinfo(list);
    }

private:
    static const char* text_or_null(const std::string& text) noexcept {
        return text.empty() ? nullptr : text.c_str();
    }
};

struct name_question {
    io::endpoint where;
    int flags;
    std::array<char, NI_MAXHOST> host = {};
    std::array<char, NI_MAXSERV> service = {};
    int status = 0;
    int error = 0;

    void operator()() noexcept {
        status = ::getnameinfo(static_cast<const sockaddr*>(where.data()),
                               static_cast<socklen_t>(where.size()), host.data(), host.size(),
                               service.data(), service.size(), flags);
        error = errno;
    }
};

void require_answer(int status, int error, const char* call, const std::string& about) {
    static const resolver_category category;
    if (status == EAI_SYSTEM) throw_io_error(error, call, about);
    if (status != 0) throw std::system_error(status, category, std::string(call) + " " + about);
}

}  // namespace

std::vector<address> addresses_of(std::string_view host, std::uint16_t port) {
    address numeric;
    if (parse_numeric(host, port, numeric)) return {numeric};
    std::vector<address> found;
    for (const io::address_info& one :
         io::getaddrinfo(host, std::to_string(port), {.family = AF_UNSPEC, .type = SOCK_STREAM}))
        if (!one.address.empty()) found.emplace_back(one.address);
    return found;
}

}  // namespace detail

std::vector<io::address_info> io::getaddrinfo(std::string_view host, std::string_view service,
                                              const address_hints& hints) {
    detail::address_question answered =
        detail::run_in(detail::resolver_pool(), "getaddrinfo",
                       detail::address_question{std::string(host), std::string(service), hints});
    detail::require_answer(answered.status, answered.error, "getaddrinfo", std::string(host));
    return std::move(answered.found);
}

io::name_info io::getnameinfo(const endpoint& address, int flags) {
    const detail::name_question answered =
        detail::run_in(detail::resolver_pool(), "getnameinfo",
                       detail::name_question{.where = address, .flags = flags});
    detail::require_answer(answered.status, answered.error, "getnameinfo", address.text());
    return {answered.host.data(), answered.service.data()};
}

}  // namespace brio::inline v0
