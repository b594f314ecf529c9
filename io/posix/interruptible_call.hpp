#pragma once
// System calls that no reactor can make and that wait for as long as somebody else likes, made on a
// helper thread that can be called back: for what must not be got by a helper that nobody waits
// for any more, as a lock or a descriptor would then be nobody's.
//
// 1. The call gives up with -EINTR when a handler runs, and has then done nothing. A cancel, or a handler
//    that ends the fiber's wait, sends the helper a signal whose handler does nothing, again and again
//    until the helper has come back: one may arrive before the call begins.
// 2. The fiber returns after the helper, so a result that has arrived wins.
// 3. The signal is a real-time one that had its default action at the first such call, and stays
//    taken. While the program has set its own action for it nothing is sent, and the call is not
//    cut short. In the helper it is blocked but for the call; one that comes late is taken by the
//    next call, which then begins anew.

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/deadlines.hpp"
#include "posix/in_thread.hpp"
#include "posix/interruption.hpp"
#include "posix/threads.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <memory>
#include <utility>

namespace brio::inline v0::detail::posix {

/// Takes a signal when none has been taken yet; 0 when the program uses all of them.
[[nodiscard]] int interrupting_signal() noexcept;
/// Sends it to a thread of this process, unless the program has set an action of its own for it.
void interrupt_thread(int thread) noexcept;

/// What the fiber and its helper have in common while the helper is at it.
template <class Call>
struct call_in_thread {
    explicit call_in_thread(Call c) : call(std::move(c)) {}

    void make() noexcept {
        const int signal = interrupting_signal();
        set_blocked(signal, false);
        thread.store(this_thread_id());
        while (!given_up.load() && result == -EINTR) result = call();
        thread.store(0);
        set_blocked(signal, true);
        is_back.store(true);
    }

    Call call;
    long result = -EINTR;
    std::atomic<int> thread{0};  // the helper's, while a signal is of use
    std::atomic<bool> given_up{false};
    std::atomic<bool> is_back{false};

private:
    static void set_blocked(int signal, bool blocked) noexcept {
        if (signal == 0) return;
        const std::uint64_t set = std::uint64_t{1} << (signal - 1);
        system_call(SYS_rt_sigprocmask, blocked ? SIG_BLOCK : SIG_UNBLOCK, &set, nullptr,
                    kernel_sigset_size);
    }
};

/// call()'s result, or -errno; -ECANCELED when a cancel ended it, -EINTR when a handler did, and then it
/// has not happened. `call` owns what it reads. Throws when there is no memory or no thread.
template <class Call>
long call_until_interrupted(fiber& self, const char* what, Call call,
                            restarts r = restarts::if_the_handler_says) {
    struct work {
        std::shared_ptr<call_in_thread<Call>> shared;
        void operator()() noexcept { shared->make(); }
    };
    auto shared = std::make_shared<call_in_thread<Call>>(std::move(call));
    const bool was_told = self.cancel_told_to_c;
    const interruptible here(self, r);
    begin_wait(self);
    if (here.jumped_out()) return -EINTR;
    if (run_for_c(self, waiting_pool(), what, work{shared})) return shared->result;
    const long ended = early_end(self);
    const not_cut_short until_it_is_back(self);
    shared->given_up.store(true);
    // A job that no thread had begun is gone, and its share with it.
    while (!shared->is_back.load() && shared.use_count() > 1) {
        interrupt_thread(shared->thread.load());
        nap(self);
    }
    if (shared->result == -EINTR) return ended;
    self.cancel_told_to_c = was_told;
    return shared->result;
}

}  // namespace brio::inline v0::detail::posix
