// poll, ppoll. The kernel is asked first, with a time of 0: what is ready, wrong or not to be waited
// for has its exact answer there. Else the fiber waits, and the kernel is asked again for the answer.

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/deadlines.hpp"
#include "posix/interpose.hpp"
#include "posix/readiness.hpp"
#include "posix/real.hpp"

namespace brio::inline v0::detail::posix {

namespace {

long ask(pollfd* items, nfds_t count, const sigset_t* mask) noexcept {
    timespec none = {};
    return system_call(SYS_ppoll, items, count, &none, mask, kernel_sigset_size);
}

/// `length`: empty for no limit.
long poll_on_fiber(fiber& self, pollfd* items, nfds_t count, std::optional<duration> length,
                   const sigset_t* mask) noexcept {
    if (refused(self)) return -ECANCELED;
    const long ready = ask(items, count, mask);
    if (ready != 0) return ready;
    if (length && *length == duration::zero()) return 0;
    std::optional<time_point> until;
    if (length) until = from_now(self, *length);
    return wait_for_answer(self, {items, count}, mask, until,
                           [&] { return ask(items, count, mask); });
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

int brio_posix_poll(pollfd* items, nfds_t count, int timeout) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.poll(items, count, timeout);
    std::optional<duration> length;
    if (timeout >= 0) length = std::chrono::milliseconds(timeout);
    return static_cast<int>(answer(poll_on_fiber(*self, items, count, length, nullptr)));
}

int brio_posix_ppoll(pollfd* items, nfds_t count, const timespec* timeout, const sigset_t* mask) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.ppoll(items, count, timeout, mask);
    std::optional<duration> length;
    if (timeout != nullptr) {
        if (!is_valid(*timeout)) return static_cast<int>(answer(-EINVAL));
        length = length_of(*timeout);
    }
    return static_cast<int>(answer(poll_on_fiber(*self, items, count, length, mask)));
}

int brio_posix___poll_chk(pollfd* items, nfds_t count, int timeout, size_t room) {
    if (room / sizeof *items < count) __chk_fail();
    return brio_posix_poll(items, count, timeout);
}

int brio_posix___ppoll_chk(pollfd* items, nfds_t count, const timespec* timeout,
                           const sigset_t* mask, size_t room) {
    if (room / sizeof *items < count) __chk_fail();
    return brio_posix_ppoll(items, count, timeout, mask);
}

}  // extern "C"

BRIO_INTERPOSE(poll);
BRIO_INTERPOSE(ppoll);
BRIO_INTERPOSE(__poll_chk);
BRIO_INTERPOSE(__ppoll_chk);
