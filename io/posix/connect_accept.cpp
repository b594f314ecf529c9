// connect, accept, accept4. Neither has a flag for "do not wait", so the mode of the descriptor
// decides: O_NONBLOCK and whatever is no socket goes to the plain call, which answers at once; for a
// blocking socket the reactor's operation makes the attempt and waits.

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/deadlines.hpp"
#include "posix/descriptors.hpp"
#include "posix/interpose.hpp"
#include "posix/real.hpp"

namespace brio::inline v0::detail::posix {

namespace {

long wait_until_connected(fiber& self, int fd, const sockaddr* to, socklen_t to_size,
                          const descriptor_facts& facts) noexcept {
    const auto until = limit_of(self, fd, facts, SO_SNDTIMEO);
    for (;;) {
        operation op;
        op.what = operation::code::connect;
        op.fd = fd;
        op.address = const_cast<sockaddr*>(to);
        op.length = to_size;
        long result = wait_for(self, op, until);
        if (result == -EALREADY) {
            // An earlier attempt, cut short, is still under way: a blocking connect waits for it.
            operation settled;
            settled.what = operation::code::poll;
            settled.fd = fd;
            settled.flags = POLLOUT;
            result = wait_for(self, settled, until);
            if (result >= 0) continue;
        }
        if (result == -ETIME) return to->sa_family == AF_UNIX ? -EAGAIN : -EINPROGRESS;
        return result;
    }
}

constexpr int accept_flags = SOCK_CLOEXEC | SOCK_NONBLOCK;  // others are an error

int accept_on(int fd, sockaddr* from, socklen_t* from_size, int flags, decltype(&::accept4) plain) {
    fiber* const self = suspendable_fiber();
    const auto as_plain = [&] {
        const int accepted = plain(fd, from, from_size, flags);
        forget(accepted);
        return accepted;
    };
    if (self == nullptr) return as_plain();
    if (refused(*self)) return static_cast<int>(answer(-ECANCELED));
    const descriptor_facts facts = facts_of(fd);
    if (facts.nonblocking || !facts.is_socket() || (flags & ~accept_flags) != 0) return as_plain();
    operation op;
    op.what = operation::code::accept;
    op.fd = fd;
    op.address = from;
    op.second = from_size;
    op.flags = static_cast<std::uint32_t>(flags);
    const long result = wait_for(*self, op, limit_of(*self, fd, facts, SO_RCVTIMEO));
    forget(static_cast<int>(result));
    return static_cast<int>(answer(result == -ETIME ? -EAGAIN : result));
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

int brio_posix_connect(int fd, const sockaddr* to, socklen_t to_size) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.connect(fd, to, to_size);
    if (refused(*self)) return static_cast<int>(answer(-ECANCELED));
    const descriptor_facts facts = facts_of(fd);
    if (facts.nonblocking || !facts.is_socket()) return real.connect(fd, to, to_size);
    return static_cast<int>(answer(wait_until_connected(*self, fd, to, to_size, facts)));
}

int brio_posix_accept(int fd, sockaddr* from, socklen_t* from_size) {
    return accept_on(fd, from, from_size, 0,
                     [](int f, sockaddr* a, socklen_t* s, int) { return real.accept(f, a, s); });
}

int brio_posix_accept4(int fd, sockaddr* from, socklen_t* from_size, int flags) {
    return accept_on(fd, from, from_size, flags, real.accept4);
}

}  // extern "C"

BRIO_INTERPOSE(connect);
BRIO_INTERPOSE(accept);
BRIO_INTERPOSE(accept4);
