#include "posix/interruptible_call.hpp"

#include "posix/real.hpp"

namespace brio::inline v0::detail::posix {

namespace {

void do_nothing(int) noexcept {}

constinit std::atomic<int> taken{0};

/// As the program sees it: one that saves and restores all actions gives ours back (handlers.cpp).
bool has_action(int signal, sighandler_t action) noexcept {
    struct sigaction now = {};
    return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == action;
}

}  // namespace

int interrupting_signal() noexcept {
    if (const int signal = taken.load(); signal != 0) return signal;
    for (int signal = SIGRTMAX; signal >= SIGRTMIN; --signal) {
        if (!has_action(signal, SIG_DFL)) continue;
        struct sigaction ours = {};  // without SA_RESTART
        ours.sa_handler = &do_nothing;
        if (real.sigaction(signal, &ours, nullptr) != 0) continue;
        int none = 0;
        return taken.compare_exchange_strong(none, signal) ? signal : none;
    }
    return 0;
}

void interrupt_thread(int thread) noexcept {
    const int signal = taken.load();
    if (thread == 0 || signal == 0 || !has_action(signal, &do_nothing)) return;
    system_call(SYS_tgkill, system_call(SYS_getpid), thread, signal);
}

}  // namespace brio::inline v0::detail::posix
