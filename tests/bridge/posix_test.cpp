// Unmodified blocking calls in Boost fibers, by way of brio::posix.

#include "bridge/boost_fibers.hpp"
#include "posix/fibers.hpp"

#include <csignal>
#include <ctime>

namespace {

using namespace bridge_tests;
using posix_tests::make_socketpair;

TEST(a_blocking_call_in_a_boost_fiber, lets_the_others_run) {
    brio::boost_fiber::run([] {
        auto [near, far] = make_socketpair();
        char letter = 0;
        fibers::fiber reader([&, fd = int(near)] { EXPECT_EQ(::read(fd, &letter, 1), 1); });
        fibers::fiber writer([fd = int(far)] {
            const timespec short_time = {0, 1'000'000};
            EXPECT_EQ(::nanosleep(&short_time, nullptr), 0);
            EXPECT_EQ(::write(fd, "x", 1), 1);
        });
        reader.join();
        writer.join();
        EXPECT_EQ(letter, 'x');
    });
}

TEST(a_blocking_call_in_a_boost_fiber, fails_with_ECANCELED_when_its_task_is_cancelled) {
    brio::boost_fiber::run([] {
        auto [near, far] = make_socketpair();
        brio::any_task task;
        posix_tests::observed seen = {};
        bool thrown = false;
        fibers::fiber reader([&, fd = int(near)] {
            task = brio::current_task();
            char letter = 0;
            seen = posix_tests::observe([&] { return ::read(fd, &letter, 1); });
            try {
                brio::yield();
            } catch (const brio::cancelled_error&) {
                thrown = true;
            }
        });
        posix_tests::let_others_run();
        task.cancel();
        reader.join();
        EXPECT_EQ(seen, (posix_tests::observed{-1, ECANCELED}));
        EXPECT_TRUE(thrown);
    });
}

TEST(a_blocking_call_in_a_boost_fiber, is_a_sleep_of_the_standard_library) {
    brio::boost_fiber::run([] {
        const bystander beside;
        fibers::fiber([&] {
            const int before = beside.turns();
            std::this_thread::sleep_for(1ms);
            EXPECT_GT(beside.turns(), before);
        }).join();
    });
}

TEST(what_a_boost_fiber_changes_of_its_thread, is_its_own) {
    const auto blocks = [] {
        sigset_t now = {};
        ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
        return sigismember(&now, SIGUSR1) == 1;
    };
    brio::boost_fiber::run([&] {
        const auto change = [&] {
            sigset_t set = {};
            ::sigaddset(&set, SIGUSR1);
            EXPECT_FALSE(blocks());
            EXPECT_EQ(::pthread_sigmask(SIG_BLOCK, &set, nullptr), 0);
            for (int i = 0; i < 5; ++i) {
                boost::this_fiber::yield();
                EXPECT_TRUE(blocks());
                brio::yield();
                EXPECT_TRUE(blocks());
            }
        };
        fibers::fiber first(change), second(change);
        for (int i = 0; i < 20; ++i) {
            boost::this_fiber::yield();
            EXPECT_FALSE(blocks());
            brio::create_task([&] { EXPECT_FALSE(blocks()); }).await();
        }
        first.join();
        second.join();
        EXPECT_FALSE(blocks());
    });
    EXPECT_FALSE(blocks());
}

}  // namespace
