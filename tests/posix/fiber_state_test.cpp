// What libc keeps for each thread and a fiber may have for itself: locale, signal mask, h_errno.

#include "posix/fibers.hpp"

#include <csignal>
#include <locale.h>
#include <memory>
#include <netdb.h>
#include <type_traits>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;

struct locale_closer {
    void operator()(locale_t l) const { ::freelocale(l); }
};
using locale = std::unique_ptr<std::remove_pointer_t<locale_t>, locale_closer>;
locale new_locale() {
    return locale(::newlocale(LC_ALL_MASK, "C.UTF-8", nullptr));
}
locale_t locale_now() {
    return ::uselocale(nullptr);
}

bool blocks(int signal) {
    sigset_t now = {};
    ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
    return sigismember(&now, signal) == 1;
}
sigset_t only(int signal) {
    sigset_t set = {};
    ::sigaddset(&set, signal);
    return set;
}
void block(int signal) {
    const sigset_t set = only(signal);
    ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &set, nullptr), 0);
}
void unblock(int signal) {
    const sigset_t set = only(signal);
    ASSERT_EQ(::pthread_sigmask(SIG_UNBLOCK, &set, nullptr), 0);
}

/// Suspends in each of the ways there are: in the ready queue, parked, by a call of libc, and for the
/// first step of another task.
void suspend_in_all_ways() {
    brio::yield();
    brio::sleep(1ms);
    ::usleep(1000);
    brio::create_task([] {}, {.eager_start = true}).await();
    brio::create_task([] { brio::yield(); }, {.eager_start = true}).await();
}

}  // namespace

TEST(fiber_state, a_locale_is_the_fibers_own) {
    const locale_t all = locale_now();
    brio::run([&] {
        const auto speaks = [all](const locale& own) {
            EXPECT_EQ(locale_now(), all);
            EXPECT_EQ(::uselocale(own.get()), all);
            for (int i = 0; i < 10; ++i) {
                suspend_in_all_ways();
                EXPECT_EQ(locale_now(), own.get());
            }
            EXPECT_EQ(::uselocale(all), own.get());
            suspend_in_all_ways();
            EXPECT_EQ(locale_now(), all);
        };
        const locale one = new_locale(), two = new_locale();
        auto first = brio::create_task([&] { speaks(one); });
        auto second = brio::create_task([&] { speaks(two); });
        while (!first.done() || !second.done()) {
            EXPECT_EQ(locale_now(), all);
            brio::yield();
        }
    });
    EXPECT_EQ(locale_now(), all);
}

TEST(fiber_state, ends_with_the_fiber) {
    const locale_t all = locale_now();
    const locale own = new_locale();
    brio::run([&] {
        brio::create_task([&] { ::uselocale(own.get()); }).await();
        EXPECT_EQ(locale_now(), all);
        brio::create_task([&] { ::uselocale(own.get()); }, {.eager_start = true}).await();
        EXPECT_EQ(locale_now(), all);
        ::uselocale(own.get());
        block(SIGUSR1);
    });
    EXPECT_EQ(locale_now(), all);
    EXPECT_FALSE(blocks(SIGUSR1));
}

TEST(fiber_state, is_not_that_of_callbacks) {
    const locale_t all = locale_now();
    const locale own = new_locale();
    brio::run([&] {
        ::uselocale(own.get());
        block(SIGUSR1);
        locale_t seen = nullptr;
        bool blocked = true;
        brio::get_running_loop().call_soon([&] {
            seen = locale_now();
            blocked = blocks(SIGUSR1);
        });
        brio::sleep(1ms);
        EXPECT_EQ(seen, all);
        EXPECT_FALSE(blocked);
        EXPECT_EQ(locale_now(), own.get());
        EXPECT_TRUE(blocks(SIGUSR1));
    });
}

TEST(fiber_state, stays_through_exceptions) {
    const locale_t all = locale_now();
    const locale own = new_locale();
    brio::run([&] {
        auto thrower = brio::create_task([&] {
            ::uselocale(own.get());
            try {
                throw 7;
            } catch (int seven) {
                suspend_in_all_ways();
                EXPECT_EQ(locale_now(), own.get());
                EXPECT_EQ(seven, 7);
            }
            suspend_in_all_ways();
            EXPECT_EQ(locale_now(), own.get());
        });
        while (!thrower.done()) {
            EXPECT_EQ(locale_now(), all);
            brio::yield();
        }
    });
}

TEST(fiber_state, a_signal_mask_is_the_fibers_own_and_that_of_those_it_makes) {
    brio::run([&] {
        auto blocking = brio::create_task([] {
            block(SIGUSR1);
            auto child = brio::create_task([] {
                suspend_in_all_ways();
                EXPECT_TRUE(blocks(SIGUSR1));
                unblock(SIGUSR1);
                suspend_in_all_ways();
                EXPECT_FALSE(blocks(SIGUSR1));
            });
            auto eager = brio::create_task(
                [] {
                    EXPECT_TRUE(blocks(SIGUSR1));
                    unblock(SIGUSR1);
                    brio::yield();
                    EXPECT_FALSE(blocks(SIGUSR1));
                },
                {.eager_start = true});
            while (!child.done() || !eager.done()) {
                EXPECT_TRUE(blocks(SIGUSR1));
                brio::yield();
            }
        });
        while (!blocking.done()) {
            EXPECT_FALSE(blocks(SIGUSR1));
            brio::yield();
        }
    });
}

TEST(fiber_state, a_mask_that_is_put_back_was_never_there) {
    brio::run([&] {
        // Two that save and restore across each other's suspensions, as libraries do with SIGPIPE.
        const auto guarded = [](brio::event& mine, brio::event& others) {
            const sigset_t set = only(SIGUSR1);
            sigset_t before = {};
            EXPECT_EQ(::sigprocmask(SIG_BLOCK, &set, &before), 0);
            EXPECT_EQ(sigismember(&before, SIGUSR1), 0);
            mine.set();
            others.wait();
            EXPECT_EQ(::sigprocmask(SIG_SETMASK, &before, nullptr), 0);
        };
        brio::event one, two;
        auto first = brio::create_task([&] { guarded(one, two); });
        auto second = brio::create_task([&] { guarded(two, one); });
        first.await();
        second.await();
        EXPECT_FALSE(blocks(SIGUSR1));
    });
    EXPECT_FALSE(blocks(SIGUSR1));
}

TEST(fiber_state, a_signal_that_the_last_to_run_blocks_waits_while_the_loop_sleeps) {
    const signal_counter counter(SIGUSR1);
    brio::run([&] {
        block(SIGUSR1);
        std::thread sender([thread = ::pthread_self()] { ::pthread_kill(thread, SIGUSR1); });
        brio::sleep(1ms);
        sender.join();
        brio::sleep(1ms);
        EXPECT_EQ(signal_counter::count, 0);
        unblock(SIGUSR1);
        EXPECT_EQ(signal_counter::count, 1);
    });
}

TEST(fiber_state, h_errno_is_the_fibers_own) {
    brio::run([&] {
        const auto fails = [] {
            EXPECT_EQ(h_errno, 0);  // a name that libc refuses without asking anybody
            EXPECT_EQ(::gethostbyname("a..b"), nullptr);
            const int error = h_errno;
            EXPECT_NE(error, 0);
            suspend_in_all_ways();
            EXPECT_EQ(h_errno, error);
        };
        h_errno = 0;
        auto first = brio::create_task(fails);
        auto second = brio::create_task(fails);
        while (!first.done() || !second.done()) {
            EXPECT_EQ(h_errno, 0);
            brio::yield();
        }
    });
}

TEST(fiber_state, refusals_are_libcs) {
    const sigset_t set = only(SIGUSR1);
    constexpr int nonsense = 77;
    expect_same([&] { return ::pthread_sigmask(nonsense, &set, nullptr); }, "pthread_sigmask");
    expect_same([&] { return ::sigprocmask(nonsense, &set, nullptr); }, "sigprocmask");
    expect_same([&] { return ::sigprocmask(nonsense, nullptr, nullptr); }, "sigprocmask, no set");
    EXPECT_EQ(on_fiber([&] { return ::pthread_sigmask(SIG_BLOCK, nullptr, nullptr); }),
              (observed{0, 0}));
}
