// sigwait, sigwaitinfo, sigtimedwait, pause, sigsuspend; sigaction and signal.

#include "posix/fibers.hpp"

#include <csignal>
#include <pthread.h>
#include <string>
#include <vector>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;

sigset_t set_of(std::initializer_list<int> signals) {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : signals) ::sigaddset(&set, signal);
    return set;
}

/// The signals are blocked in this thread, and in those that it makes.
class signal_wait : public testing::Test {
protected:
    signal_wait() { ::pthread_sigmask(SIG_BLOCK, &set, &before_); }
    ~signal_wait() override {
        sigset_t pending;
        ::sigpending(&pending);
        EXPECT_FALSE(::sigismember(&pending, SIGUSR1) || ::sigismember(&pending, SIGUSR2));
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    const sigset_t set = set_of({SIGUSR1, SIGUSR2});

private:
    sigset_t before_;
};

}  // namespace

TEST_F(signal_wait, takes_at_once_what_is_pending) {
    siginfo_t info;
    expect_same(
        [&] {
            ::kill(::getpid(), SIGUSR2);
            return ::sigwaitinfo(&set, &info);
        },
        "of the process");
    expect_same(
        [&] {
            ::raise(SIGUSR1);
            const int taken = ::sigtimedwait(&set, &info, nullptr);
            return taken << 8 | info.si_code;
        },
        "of the thread");
    int taken = 0;
    expect_same(
        [&] {
            ::raise(SIGUSR1);
            return ::sigwait(&set, &taken);
        },
        "sigwait");
    EXPECT_EQ(taken, SIGUSR1);
}

TEST_F(signal_wait, answers_as_libc_when_there_is_nothing_to_wait_for) {
    const timespec none = {};
    expect_same([&] { return ::sigtimedwait(&set, nullptr, &none); }, "no time");
    for (const timespec wrong : {timespec{-1, 0}, timespec{0, -1}, timespec{0, 1'000'000'000}})
        expect_same([&] { return ::sigtimedwait(&set, nullptr, &wrong); }, "a wrong time");
    const auto* const broken = reinterpret_cast<sigset_t*>(nowhere());
    expect_same([=] { return ::sigwaitinfo(broken, nullptr); }, "a set nowhere");
    expect_same(
        [=] {
            int taken = 0;
            return ::sigwait(broken, &taken);
        },
        "sigwait, a set nowhere");
}

TEST_F(signal_wait, times_out) {
    brio::testing::run([&] {
        const auto began = brio::clock::now();
        const timespec long_time = {1000, 0};
        EXPECT_EQ(observe([&] { return ::sigtimedwait(&set, nullptr, &long_time); }),
                  (observed{-1, EAGAIN}));
        EXPECT_EQ(brio::clock::now() - began, 1000s);
    });
}

TEST_F(signal_wait, tells_who_has_sent_it) {
    brio::run([&] {
        siginfo_t info = {};
        auto waiting = brio::create_task([&] { return ::sigwaitinfo(&set, &info); });
        let_others_run();
        EXPECT_FALSE(waiting.done());
        sigval value = {};
        value.sival_int = 42;
        ::sigqueue(::getpid(), SIGUSR2, value);
        EXPECT_EQ(waiting.await(), SIGUSR2);
        EXPECT_EQ(info.si_pid, ::getpid());
        EXPECT_EQ(info.si_value.sival_int, 42);
    });
}

TEST_F(signal_wait, of_two_fibers_for_one_signal_one_gets_it) {
    brio::run([&] {
        std::vector<long> seen;
        const auto wait = [&] { seen.push_back(::sigwaitinfo(&set, nullptr)); };
        auto one = brio::create_task(wait);
        auto other = brio::create_task(wait);
        let_others_run();
        ::kill(::getpid(), SIGUSR1);
        while (seen.empty()) brio::sleep(1ms);
        let_others_run();
        EXPECT_THAT(seen, testing::ElementsAre(SIGUSR1));
        ::kill(::getpid(), SIGUSR2);
        one.await();
        other.await();
        EXPECT_THAT(seen, testing::ElementsAre(SIGUSR1, SIGUSR2));
    });
}

TEST_F(signal_wait, each_fiber_gets_the_signal_that_it_asked_for) {
    brio::run([&] {
        const auto wait_for = [](int signal) {
            return brio::create_task([signal] {
                const sigset_t own = set_of({signal});
                return ::sigwaitinfo(&own, nullptr);
            });
        };
        auto one = wait_for(SIGUSR1);
        auto other = wait_for(SIGUSR2);
        let_others_run();
        ::kill(::getpid(), SIGUSR2);
        EXPECT_EQ(other.await(), SIGUSR2);
        EXPECT_FALSE(one.done());
        ::kill(::getpid(), SIGUSR1);
        EXPECT_EQ(one.await(), SIGUSR1);
    });
}

TEST_F(signal_wait, that_is_cancelled_takes_nothing) {
    brio::run([&] {
        auto waiting = brio::create_task([&] {
            EXPECT_EQ(observe([&] { return ::sigwaitinfo(&set, nullptr); }),
                      (observed{-1, ECANCELED}));
        });
        let_others_run();
        waiting.cancel();
        EXPECT_THROW(waiting.await(), brio::cancelled_error);
        ::raise(SIGUSR1);
        EXPECT_EQ(::sigwaitinfo(&set, nullptr), SIGUSR1);
    });
}

namespace {

volatile sig_atomic_t handled = 0;

/// A handler for SIGUSR1, which is not blocked, and for SIGUSR2, which is.
class suspended_by_signals : public testing::Test {
protected:
    suspended_by_signals() {
        const sigset_t blocked = set_of({SIGUSR2});
        ::pthread_sigmask(SIG_BLOCK, &blocked, &before_);
        for (const int signal : {SIGUSR1, SIGUSR2})
            ::signal(signal, [](int number) { handled = handled * 100 + number; });
        handled = 0;
    }
    ~suspended_by_signals() override {
        for (const int signal : {SIGUSR1, SIGUSR2}) ::signal(signal, SIG_DFL);
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    /// A task that has to suspend in `call`.
    template <class F>
    static brio::task<observed> start(F call) {
        auto task = brio::create_task([call] { return observe(call); });
        let_others_run();
        EXPECT_FALSE(task.done());
        return task;
    }
    static constexpr observed interrupted = {-1, EINTR};

private:
    sigset_t before_;
};

}  // namespace

TEST_F(suspended_by_signals, pause_ends_by_a_handler_that_ran_while_others_did) {
    brio::run([] {
        auto one = start([] { return ::pause(); });
        auto other = start([] { return ::pause(); });
        ::raise(SIGUSR1);
        EXPECT_EQ(handled, SIGUSR1);
        EXPECT_EQ(one.await(), interrupted);
        EXPECT_EQ(other.await(), interrupted);
    });
}

TEST_F(suspended_by_signals, pause_ends_by_a_handler_that_ran_while_the_loop_slept) {
    brio::run([] {
        auto waiting = start([] { return ::pause(); });
        std::thread later([loop = ::pthread_self(), thread = ::gettid()] {
            while (!is_asleep(thread)) std::this_thread::yield();
            ::pthread_kill(loop, SIGUSR1);
        });
        EXPECT_EQ(waiting.await(), interrupted);
        EXPECT_EQ(handled, SIGUSR1);
        later.join();
    });
}

TEST_F(suspended_by_signals, sigsuspend_has_the_mask_that_it_was_given) {
    brio::run([] {
        const sigset_t mask = set_of({SIGUSR1});
        auto waiting = start([&] { return ::sigsuspend(&mask); });
        ::raise(SIGUSR1);  // goes to its handler at once, as other fibers expect, and is not for it
        let_others_run();
        EXPECT_FALSE(waiting.done());
        ::raise(SIGUSR2);
        EXPECT_EQ(waiting.await(), interrupted);
        EXPECT_EQ(handled, SIGUSR1 * 100 + SIGUSR2);
        ::raise(SIGUSR2);
        EXPECT_EQ(observe([&] { return ::sigsuspend(&mask); }), interrupted) << "pending before";
    });
}

TEST_F(suspended_by_signals, sigsuspend_does_not_end_by_an_ignored_signal) {
    brio::run([] {
        const sigset_t mask = set_of({});
        auto waiting = start([&] { return ::sigsuspend(&mask); });
        ::raise(SIGUSR2);
        ::signal(SIGUSR2, SIG_IGN);  // and so it is pending no more
        let_others_run();
        EXPECT_FALSE(waiting.done());
        ::raise(SIGUSR1);
        EXPECT_EQ(waiting.await(), interrupted);
    });
}

TEST(handlers, are_told_as_they_were_set) {
    const auto first = [](int) {};
    sighandler_t const plain = first;
    EXPECT_EQ(::signal(SIGUSR1, plain), SIG_DFL);
    struct sigaction now = {};
    EXPECT_EQ(::sigaction(SIGUSR1, nullptr, &now), 0);
    EXPECT_EQ(now.sa_handler, plain);
    EXPECT_EQ(now.sa_flags & (SA_RESTART | SA_SIGINFO), SA_RESTART);
    static int code = 0;
    struct sigaction detailed = {};
    detailed.sa_flags = SA_SIGINFO | SA_RESETHAND;
    detailed.sa_sigaction = [](int, siginfo_t* info, void*) { code = info->si_code; };
    EXPECT_EQ(::sigaction(SIGUSR1, &detailed, &now), 0);
    EXPECT_EQ(now.sa_handler, plain);
    ::raise(SIGUSR1);
    EXPECT_EQ(code, SI_TKILL);
    EXPECT_EQ(::signal(SIGUSR1, SIG_IGN), SIG_DFL);  // SA_RESETHAND
    EXPECT_EQ(::signal(SIGUSR1, SIG_DFL), SIG_IGN);
    EXPECT_EQ(observe([&] { return ::sigaction(SIGKILL, &detailed, nullptr); }),
              (observed{-1, EINVAL}));
    EXPECT_EQ(observe([&] { return ::sigaction(unforeseen(1000), &detailed, nullptr); }),
              (observed{-1, EINVAL}));
    EXPECT_EQ(::signal(SIGKILL, plain), SIG_ERR);
}
