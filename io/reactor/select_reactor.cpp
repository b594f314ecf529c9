// Which reactor a loop gets: the choice, and the sentence that says why.

#include "reactor/uring.hpp"
#include "scheduler/reactor.hpp"

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace brio::inline v0 {
namespace detail {

namespace {

/// What BRIO_REACTOR asks for.
reactor_kind kind_from_environment() {
    const char* const value = std::getenv("BRIO_REACTOR");
    const std::string_view name = value == nullptr ? "" : value;
    if (name.empty()) return reactor_kind::automatic;
    if (name == "io_uring") return reactor_kind::io_uring;
    if (name == "epoll") return reactor_kind::epoll;
    throw std::invalid_argument("BRIO_REACTOR is '" + std::string(name) +
                                "'; it may be io_uring or epoll");
}

chosen_reactor make_uring(mailbox& bell) {
    auto* const made = new uring(bell, unmasked_ring_features());
    return {made, "io_uring: " + describe(made->features())};
}

}  // namespace

chosen_reactor make_reactor(reactor_kind kind, mailbox& bell) {
    if (kind == reactor_kind::automatic) kind = kind_from_environment();
    return make_uring(bell);
}

}  // namespace detail
}  // namespace brio::inline v0
