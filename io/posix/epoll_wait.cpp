// epoll_wait, epoll_pwait, epoll_pwait2. The kernel is asked first, with a time of 0: events that are
// there, and errors, have their exact answer there. Else the fiber waits until the epoll descriptor is
// readable, and asks again: others may have been faster.
//
// Asked with a time of 0 the kernel does not look for signals that the mask lets through; so, where one
// has ended the wait, a ppoll of nothing delivers it.

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/deadlines.hpp"
#include "posix/interpose.hpp"
#include "posix/kept_open.hpp"
#include "posix/readiness.hpp"
#include "posix/real.hpp"

namespace brio::inline v0::detail::posix {

namespace {

struct event_list {
    epoll_event* events;
    int room;
};

long ask(int fd, event_list into, const sigset_t* mask) noexcept {
    return system_call(SYS_epoll_pwait, fd, into.events, into.room, 0, mask, kernel_sigset_size);
}

bool was_delivered(const sigset_t* mask) noexcept {
    timespec none = {};
    return mask != nullptr &&
           system_call(SYS_ppoll, nullptr, 0, &none, mask, kernel_sigset_size) == -EINTR;
}

/// `length`: empty for no limit.
long wait_on_fiber(fiber& self, int fd, event_list into, std::optional<duration> length,
                   const sigset_t* mask) noexcept {
    if (refused(self)) return -ECANCELED;
    const long count = ask(fd, into, mask);
    if (count != 0 || (length && *length == duration::zero())) return count;
    std::optional<time_point> until;
    if (length) until = from_now(self, *length);
    const interruptible here(self, restarts::never);  // also while the mask lets a handler in
    kept_open file(fd);
    file.keep();
    pollfd item = {file.fd(), POLLIN, 0};
    return wait_for_answer(self, {&item, 1}, mask, until, [&] {
        const long answer = ask(file.fd(), into, mask);
        return answer == 0 && item.revents == 0 && was_delivered(mask) ? -EINTR : answer;
    });
}

std::optional<duration> milliseconds(int timeout) noexcept {
    if (timeout < 0) return {};
    return std::chrono::milliseconds(timeout);
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

int brio_posix_epoll_wait(int fd, epoll_event* events, int room, int timeout) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.epoll_wait(fd, events, room, timeout);
    return static_cast<int>(
        answer(wait_on_fiber(*self, fd, {events, room}, milliseconds(timeout), nullptr)));
}

int brio_posix_epoll_pwait(int fd, epoll_event* events, int room, int timeout,
                           const sigset_t* mask) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.epoll_pwait(fd, events, room, timeout, mask);
    return static_cast<int>(
        answer(wait_on_fiber(*self, fd, {events, room}, milliseconds(timeout), mask)));
}

int brio_posix_epoll_pwait2(int fd, epoll_event* events, int room, const timespec* timeout,
                            const sigset_t* mask) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.epoll_pwait2(fd, events, room, timeout, mask);
    std::optional<duration> length;
    if (timeout != nullptr) {
        if (!is_valid(*timeout)) return static_cast<int>(answer(-EINVAL));
        length = length_of(*timeout);
    }
    return static_cast<int>(answer(wait_on_fiber(*self, fd, {events, room}, length, mask)));
}

}  // extern "C"

BRIO_INTERPOSE(epoll_wait);
BRIO_INTERPOSE(epoll_pwait);
BRIO_INTERPOSE(epoll_pwait2);
