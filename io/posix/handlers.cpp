// sigaction and signal: the kernel gets the layer's handler, which calls the program's and then tells
// the waits of its thread. So a fiber learns that a handler has run, whatever ran meanwhile.
//
// 1. Only the function is changed: flags and mask are the program's, and what it asks for is answered
//    with its own function. SIG_DFL and SIG_IGN go to the kernel as they are.
// 2. The layer's handler has three arguments and hands them on, also to a function that takes one.
//    Brio's own handlers (signal_action.hpp) go there as they are, too: they end no wait.
// 3. The signals of faults are left alone: they end no wait.
// 4. The list of watches is changed by single stores, since a handler of the same thread may read it
//    at any moment. It takes no lock and leaves errno alone.
// 5. Inside a handler every call is libc's own: whoever it has interrupted is not to be suspended by it.
//    A handler that is left by longjmp is over (jumps.hpp).
// 6. Handlers that come past the table (sigset, sysv_signal, system calls) are not seen.

#include "posix/handlers.hpp"

#include "base/private_descriptor.hpp"
#include "base/signal_action.hpp"
#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/interpose.hpp"
#include "posix/interruption.hpp"
#include "posix/real.hpp"

#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <sys/eventfd.h>

namespace brio::inline v0::detail::posix {

namespace {

using handler = void (*)(int, siginfo_t*, void*);

constinit std::atomic<handler> program_handlers[_NSIG] = {};
constinit thread_local std::atomic<handler_watch*> watches{nullptr};
constinit thread_local volatile sig_atomic_t sent_to_oneself = 0;  // its number

/// Asked of the kernel: siginterrupt changes it past the table.
bool restarts_calls(int signal) noexcept {
    struct sigaction now = {};
    return real.sigaction(signal, nullptr, &now) != 0 || (now.sa_flags & SA_RESTART) != 0;
}

void tell_waits(int signal, bool restart, bool of_running) noexcept {
    const int before = errno;
    handler_watch::note(signal);
    note_interruption(restart, of_running);
    errno = before;
}

void run_handler(int signal, siginfo_t* info, void* context) {
    const int before = errno;
    jmp_buf way_out;
    if (_setjmp(way_out) != 0) {  // the program has jumped, and not to here
        errno = before;
        return;
    }
    const in_signal_handler here(way_out);
    const bool restart = restarts_calls(signal);
    const bool of_running = sent_to_oneself == signal && info->si_code == SI_TKILL;
    if (of_running) sent_to_oneself = 0;
    program_handlers[signal].load()(signal, info, context);
    tell_waits(signal, restart, of_running);
}

bool is_seen(int signal) noexcept {
    switch (signal) {
        case SIGSEGV:
        case SIGBUS:
        case SIGFPE:
        case SIGILL:
        case SIGTRAP:
        case SIGSYS:
            return false;
        default:
            return signal > 0 && signal < _NSIG;
    }
}

bool is_function(sighandler_t action) noexcept {
    return action != SIG_DFL && action != SIG_IGN && action != SIG_ERR;
}

// Rule 2: what the compiler takes for a mistake.
sighandler_t of_one_argument(handler h) noexcept {
    return std::bit_cast<sighandler_t>(h);
}
handler of_three_arguments(sighandler_t h) noexcept {
    return std::bit_cast<handler>(h);
}

bool is_ours(sighandler_t h) noexcept {
    return h == of_one_argument(&run_handler);
}

/// What the kernel gets for `wanted`. (It may be the layer's: from a query past the table.)
sighandler_t enter(int signal, sighandler_t wanted) noexcept {
    if (!is_function(wanted) || is_own_handler(wanted)) return wanted;
    if (!is_ours(wanted)) program_handlers[signal].store(of_three_arguments(wanted));
    return of_one_argument(&run_handler);
}

}  // namespace

signal_to_oneself::signal_to_oneself(int signal) noexcept {
    if (is_seen(signal)) sent_to_oneself = signal;
}
signal_to_oneself::~signal_to_oneself() {
    sent_to_oneself = 0;
}

handler_watch::handler_watch(const sigset_t* mask) noexcept
    : mask_(mask),
      fd_(private_descriptor(
          static_cast<int>(system_call(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK)))),
      next_(watches.load()) {
    watches.store(this);
}

handler_watch::~handler_watch() {
    if (watches.load() == this) {
        watches.store(next_);
    } else {
        handler_watch* before = watches.load();
        while (before->next_ != this) before = before->next_;
        std::atomic_ref(before->next_).store(next_);
    }
    if (fd_ >= 0) close_private(fd_);
}

void handler_watch::note(int signal) noexcept {
    const std::uint64_t one = 1;
    for (handler_watch* w = watches.load(); w != nullptr; w = std::atomic_ref(w->next_).load()) {
        if (w->mask_ != nullptr && ::sigismember(w->mask_, signal) == 1) continue;
        w->ran_ = 1;
        system_call(SYS_write, w->fd_, &one, sizeof one);
    }
}

}  // namespace brio::inline v0::detail::posix

using namespace brio::detail::posix;

extern "C" {

int brio_posix_sigaction(int signal, const struct sigaction* action,
                         struct sigaction* before) noexcept {
    if (!is_seen(signal)) return real.sigaction(signal, action, before);
    const handler known = program_handlers[signal].load();
    struct sigaction ours = {};
    if (action != nullptr) {
        ours = *action;
        ours.sa_handler = enter(signal, ours.sa_handler);
    }
    const int result = real.sigaction(signal, action == nullptr ? nullptr : &ours, before);
    if (result != 0)
        program_handlers[signal].store(known);
    else if (before != nullptr && is_ours(before->sa_handler))
        before->sa_sigaction = known;
    return result;
}

sighandler_t brio_posix_signal(int signal, sighandler_t wanted) noexcept {
    if (!is_seen(signal)) return real.signal(signal, wanted);
    const handler known = program_handlers[signal].load();
    const sighandler_t before = real.signal(signal, enter(signal, wanted));
    if (before == SIG_ERR) program_handlers[signal].store(known);
    return is_ours(before) ? of_one_argument(known) : before;
}

}  // extern "C"

BRIO_INTERPOSE(sigaction);
BRIO_INTERPOSE(signal);
