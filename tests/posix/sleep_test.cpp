// sleep, usleep, nanosleep, clock_nanosleep.

#include <ctime>
#include <string>

#include "posix/fibers.hpp"

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;

}  // namespace

TEST(sleeps, last_as_long_as_they_say) {
    brio::testing::run([] {
        const auto began = brio::clock::now();
        EXPECT_EQ(::sleep(3), 0U);
        EXPECT_EQ(brio::clock::now() - began, 3s);
        EXPECT_EQ(::usleep(500'000), 0);
        EXPECT_EQ(brio::clock::now() - began, 3500ms);
        timespec time = {1, 500'000'000};
        EXPECT_EQ(::nanosleep(&time, &time), 0);
        EXPECT_EQ(time.tv_sec, 1);  // written only when it is cut short
        EXPECT_EQ(brio::clock::now() - began, 5s);
        EXPECT_EQ(::clock_nanosleep(CLOCK_REALTIME, 0, &time, nullptr), 0);
        EXPECT_EQ(brio::clock::now() - began, 6500ms);
        std::this_thread::sleep_for(1h);
        EXPECT_EQ(brio::clock::now() - began, 1h + 6500ms);
    });
}

TEST(sleeps, until_a_point_in_time) {
    brio::testing::run([] {
        const auto began = brio::clock::now();
        timespec now = {};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        timespec when = {now.tv_sec + 100, now.tv_nsec};
        EXPECT_EQ(::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, nullptr), 0);
        EXPECT_GT(brio::clock::now() - began, 90s);
        EXPECT_LE(brio::clock::now() - began, 100s);
        const auto later = brio::clock::now();
        EXPECT_EQ(::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &now, nullptr), 0);
        EXPECT_EQ(brio::clock::now(), later);
    });
}

TEST(sleeps, refuse_wrong_times_as_libc_does) {
    for (const timespec time : {timespec{-1, 0}, timespec{0, -1}, timespec{0, 1'000'000'000}}) {
        expect_same([&] { return ::nanosleep(&time, nullptr); }, "nanosleep");
        expect_same([&] { return ::clock_nanosleep(CLOCK_REALTIME, 0, &time, nullptr); },
                    "clock_nanosleep");
    }
    const timespec none = {};
    expect_same([&] { return ::clock_nanosleep(77, 0, &none, nullptr); }, "an unknown clock");
    expect_same([&] { return ::clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &none, nullptr); },
                "the thread's own time");
}

TEST(sleeps, no_time_at_all_is_a_turn_of_the_loop) {
    brio::run([] {
        std::string order;
        auto other = brio::create_task([&] { order += "other "; });
        order += "before ";
        EXPECT_EQ(::usleep(0), 0);
        order += "after";
        EXPECT_EQ(order, "before other after");
        other.await();
    });
}

TEST(sleeps, say_what_was_left_when_they_are_cancelled) {
    brio::testing::run([] {
        timespec left = {};
        observed seen = {};
        auto sleeper = brio::create_task([&] {
            const timespec time = {100, 0};
            seen = observe([&] { return ::nanosleep(&time, &left); });
            EXPECT_EQ(::sleep(7), 7U);
        });
        brio::sleep(40s);
        sleeper.cancel();
        EXPECT_THROW(sleeper.await(), brio::cancelled_error);
        EXPECT_EQ(seen, (observed{-1, ECANCELED}));
        EXPECT_EQ(left.tv_sec, 60);
    });
}
