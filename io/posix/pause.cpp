// pause, sigsuspend: until a handler has run in this thread. What tells is in handlers.hpp; signals
// that are blocked now and that sigsuspend's mask lets through are shown by a signalfd, and delivered
// by a system call that is given the mask, as for ppoll (readiness.cpp).

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/handlers.hpp"
#include "posix/interpose.hpp"
#include "posix/interruption.hpp"
#include "posix/readiness.hpp"
#include "posix/real.hpp"

#include <cerrno>

namespace brio::inline v0::detail::posix {

namespace {

/// Delivers what is pending and passes `mask`. Whether a handler ran.
bool let_in(const sigset_t* mask) noexcept {
    if (mask == nullptr) return false;
    timespec none = {};
    return system_call(SYS_ppoll, nullptr, 0, &none, mask, kernel_sigset_size) == -EINTR;
}

/// `mask`: null for the thread's own. -EINTR, or another -errno.
long suspend_until_handled(fiber& self, const sigset_t* mask) noexcept {
    if (refused(self)) return -ECANCELED;
    const interruptible here(self, restarts::never);  // also while the mask lets a handler in
    const handler_watch watch(mask);
    if (watch.descriptor() < 0) return watch.descriptor();
    pollfd item = {watch.descriptor(), POLLIN, 0};
    const auto ask = [&] { return let_in(mask) || watch.handler_ran() ? -long{EINTR} : 0; };
    const long at_once = ask();
    return at_once != 0 ? at_once : wait_for_answer(self, {&item, 1}, mask, {}, ask);
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

int brio_posix_pause() {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.pause();
    return static_cast<int>(answer(suspend_until_handled(*self, nullptr)));
}

int brio_posix_sigsuspend(const sigset_t* mask) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.sigsuspend(mask);
    return static_cast<int>(answer(suspend_until_handled(*self, mask)));
}

}  // extern "C"

BRIO_INTERPOSE(pause);
BRIO_INTERPOSE(sigsuspend);
