// Which reactor a loop gets: the choice, and the sentence that says why.

#include "reactor/epoll.hpp"
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

std::string explanation(const std::system_error& e) {
    std::string text = e.what();  // "io_uring_setup: Operation not permitted"
    if (e.code().value() == EPERM) text += " (seccomp, or sysctl kernel.io_uring_disabled)";
    if (e.code().value() == EINVAL) text += " (the kernel is older than Linux 5.19)";
    if (e.code().value() == ENOMEM) text += " (the limit of locked memory, ulimit -l)";
    return text;
}

chosen_reactor make_uring(mailbox& bell) {
    auto* const made = new uring(bell, unmasked_ring_features());
    return {made, "io_uring: " + describe(made->features())};
}

chosen_reactor make_epoll(mailbox& bell, const std::string& reason) {
    return {new epoll(bell), "epoll: " + reason};
}

}  // namespace

bool reactor_is_named(reactor_kind kind) {
    return kind != reactor_kind::automatic || kind_from_environment() != reactor_kind::automatic;
}

chosen_reactor make_reactor(reactor_kind kind, mailbox& bell) {
    const char* asked_by = "loop_options";
    if (kind == reactor_kind::automatic) {
        kind = kind_from_environment();
        asked_by = "BRIO_REACTOR";
    }
    if (kind == reactor_kind::epoll)
        return make_epoll(bell, std::string("asked for by ") + asked_by);
    try {
        return make_uring(bell);
    } catch (const std::system_error& e) {
        const std::string cause = explanation(e);
        if (kind == reactor_kind::automatic) return make_epoll(bell, cause);
        throw std::system_error(e.code(), std::string("io_uring, asked for by ") + asked_by +
                                              ", is not to be had: " + cause);
    }
}

}  // namespace detail
}  // namespace brio::inline v0
