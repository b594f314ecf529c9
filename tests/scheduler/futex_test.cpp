#include "thread/futex.hpp"

#include "scheduler/threads.hpp"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <gtest/gtest.h>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using brio::detail::futex_wait;
using brio::detail::futex_wake;
using brio::detail::short_lock;
using brio_tests::asleep;
using brio_tests::comes_true;
using brio_tests::this_thread_id;
using brio_tests::thread_id;

TEST(futex, does_not_wait_for_what_has_changed) {
    std::atomic<std::uint32_t> word{1};
    errno = ENOTTY;
    futex_wait(word, 0);  // the kernel says EAGAIN
    EXPECT_EQ(errno, ENOTTY);
}

TEST(futex, waits_until_it_is_woken) {
    std::atomic<std::uint32_t> word{0};
    std::atomic<thread_id> id{0};
    std::thread sleeper([&] {
        id = this_thread_id();
        while (word == 0) futex_wait(word, 0);
    });
    EXPECT_TRUE(comes_true([&] { return id != 0 && asleep(id); }));
    word = 1;
    futex_wake(word, 1);
    sleeper.join();
}

TEST(short_lock, is_held_by_one_at_a_time) {
    constexpr int threads = 4;
    constexpr int rounds = 20'000;
    short_lock lock;
    int count = 0;
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t)
        all.emplace_back([&] {
            for (int i = 0; i < rounds; ++i) {
                const std::lock_guard held(lock);
                ++count;
            }
        });
    for (std::thread& t : all) t.join();
    EXPECT_EQ(count, threads * rounds);
}

TEST(short_lock, wakes_everybody_who_sleeps_for_it_one_after_the_other) {
    constexpr int threads = 3;
    short_lock lock;
    std::atomic<thread_id> ids[threads] = {};
    int count = 0;
    std::vector<std::thread> all;
    lock.lock();
    for (auto& id : ids)
        all.emplace_back([&] {
            id = this_thread_id();
            const std::lock_guard held(lock);
            ++count;
        });
    for (auto& id : ids) EXPECT_TRUE(comes_true([&] { return id != 0 && asleep(id); }));
    EXPECT_EQ(count, 0);
    lock.unlock();
    for (std::thread& t : all) t.join();
    EXPECT_EQ(count, threads);
}

}  // namespace
