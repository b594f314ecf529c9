// A loop as the guest of another one: fd() and run_once(). The host polls that descriptor and nothing
// else, so a wake-up that is lost ends the test; and it counts how often it was woken.

#include "loop/descriptors.hpp"
#include "ops/ops.hpp"
#include "task/story.hpp"

#include <atomic>
#include <functional>
#include <sys/eventfd.h>
#include <thread>

namespace {

using namespace story;
using brio_tests::readable;
using brio_tests::two_ends;
namespace ops = brio::detail::ops;

class guest : public ::testing::Test {
protected:
    void host_until(const std::function<bool()>& condition) {
        while (!condition()) {
            pollfd p{fd, POLLIN, 0};
            constexpr int longest = 20'000;
            ASSERT_EQ(::poll(&p, 1, longest), 1) << "a wake-up is lost";
            ++wake_ups;
            loop.run_once(0s);
        }
    }
    /// Everything that can go on now has done so.
    void settle() {
        for (int i = 0; i < 20 && readable(fd); ++i) loop.run_once(0s);
        ASSERT_FALSE(readable(fd)) << "the host would be busy for nothing";
    }

    brio::runner runner;
    brio::event_loop& loop = runner.get_loop();
    int fd = loop.fd();
    int wake_ups = 0;
};

TEST_F(guest, that_has_nothing_to_do_is_quiet) {
    settle();
    EXPECT_EQ(loop.fd(), fd);
    loop.run_once(0s);
    EXPECT_FALSE(readable(fd));
}

TEST_F(guest, sleeps_and_wakes) {
    int rounds = 0;
    auto t = loop.create_task([&] {
        for (; rounds < 5; ++rounds) brio::sleep(2ms);
    });
    host_until([&] { return t.done(); });
    EXPECT_EQ(rounds, 5);
    EXPECT_LE(wake_ups, 20);
    settle();
}

TEST_F(guest, does_socket_io) {
    two_ends ends;
    std::string got;
    auto t = loop.create_task([&] {
        char buffer[16];
        while (got.size() < 40) {
            const ssize_t n = ops::recv(ends.near(), buffer, sizeof buffer);
            got.append(buffer, static_cast<std::size_t>(n));
        }
    });
    settle();
    for (int i = 0; i < 10; ++i) {
        ends.send("text");
        host_until([&] { return got.size() == 4U * static_cast<unsigned>(i + 1); });
    }
    EXPECT_LE(wake_ups, 40);
    settle();
    EXPECT_TRUE(t.done());
}

TEST_F(guest, calls_what_other_threads_post) {
    std::atomic<int> called = 0;
    constexpr int rounds = 200;
    std::thread poster([&, handle = brio::loop_handle(loop)] {
        for (int i = 0; i < rounds; ++i) {
            handle.call_soon_threadsafe([&] {
                ++called;
                called.notify_one();
            });
            called.wait(i);
        }
    });
    host_until([&] { return called == rounds; });
    poster.join();
    EXPECT_LE(wake_ups, 3 * rounds);
    settle();
}

TEST_F(guest, gets_results_of_worker_threads) {
    auto t = loop.create_task([] { return brio::to_thread([] { return 5; }); });
    host_until([&] { return t.done(); });
    EXPECT_EQ(t.result(), 5);
    settle();
}

TEST_F(guest, calls_descriptor_callbacks) {
    two_ends ends;
    int called = 0;
    settle();
    loop.add_reader(ends.near(), [&] {
        ++called;
        static_cast<void>(ends.take());
    });
    settle();
    ends.send("text");
    host_until([&] { return called == 1; });
    settle();
    loop.remove_reader(ends.near());
    settle();
    EXPECT_EQ(called, 1);
}

// The kernel tells of these in another way than of sockets: see uring::settle.
TEST_F(guest, hears_of_an_eventfd_again_and_again) {
    const int counter = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int called = 0;
    loop.add_reader(counter, [&] {
        ++called;
        eventfd_t count = 0;
        ::eventfd_read(counter, &count);
    });
    settle();
    for (int i = 0; i < 20; ++i) {
        ::eventfd_write(counter, 1);
        host_until([&] { return called == i + 1; });
        settle();
    }
    loop.remove_reader(counter);
    settle();
    ::close(counter);
}

TEST_F(guest, hears_of_what_the_host_does_to_the_loop_between_turns) {
    settle();
    int called = 0;
    loop.call_soon([&] { ++called; });
    EXPECT_TRUE(readable(fd));
    host_until([&] { return called == 1; });
    loop.call_later(1ms, [&] { ++called; });
    host_until([&] { return called == 2; });
    settle();

    auto f = loop.create_future<int>();
    auto waits = loop.create_task([f] { return f.await(); });
    auto sleeps = loop.create_task([] { brio::sleep(1h); });
    two_ends ends;
    auto receives = loop.create_task([&] {
        char byte = 0;
        const brio::defer_cancel none;
        return ops::recv(ends.near(), &byte, 1);
    });
    settle();
    f.set_result(5);
    host_until([&] { return waits.done(); });
    EXPECT_EQ(waits.result(), 5);
    settle();
    sleeps.cancel();
    host_until([&] { return sleeps.done(); });
    settle();
    receives.cancel();
    settle();
    EXPECT_FALSE(receives.done());
    ends.send("x");
    host_until([&] { return receives.done(); });
}

TEST_F(guest, hears_of_a_cancel_of_io_between_turns) {
    two_ends ends;
    auto receives = loop.create_task([&] {
        char byte = 0;
        return ops::recv(ends.near(), &byte, 1);
    });
    settle();
    receives.cancel();
    host_until([&] { return receives.done(); });
    settle();
}

TEST_F(guest, runs_one_turn_at_a_time) {
    int first = 0;
    int second = 0;
    const auto count = [](int& n) {
        return [&n] {
            for (; n < 1000; ++n) brio::yield();
        };
    };
    auto a = loop.create_task(count(first));
    auto b = loop.create_task(count(second));
    for (int i = 1; i <= 5; ++i) {
        loop.run_once(0s);
        EXPECT_EQ(first, i - 1);
        EXPECT_TRUE(readable(fd));
    }
    loop.stop();
    host_until([&] { return a.done() && b.done(); });
}

TEST_F(guest, may_be_run_as_a_loop_of_its_own_meanwhile) {
    EXPECT_EQ(runner.run([] {
        brio::sleep(1ms);
        return 5;
    }),
              5);
    settle();
}

TEST_F(guest, is_not_run_in_a_loop) {
    runner.run([&] {
        EXPECT_EQ(text_of<brio::usage_error>([&] {
                      loop.run_once(0s);
                      return 0;
                  }),
                  "run_once: a loop is running on this thread already");
        EXPECT_EQ(loop.fd(), fd);
    });
}

TEST(run_once, waits_for_a_timer_no_longer_than_it_is_told) {
    brio::testing::runner r;
    brio::event_loop& loop = r.get_loop();
    int called = 0;
    loop.call_later(1s, [&] { ++called; });
    loop.run_once(0s);
    loop.run_once(400ms);
    EXPECT_EQ(called, 0);
    EXPECT_EQ(loop.time().time_since_epoch(), 400ms);
    loop.run_once(1h);
    EXPECT_EQ(called, 1);
    EXPECT_EQ(loop.time().time_since_epoch(), 1s);
    loop.run_once(-1s);
    loop.run_once(1s);
    EXPECT_EQ(loop.time().time_since_epoch(), 2s);
    EXPECT_THROW(loop.run_once(std::nullopt), brio::testing::deadlock_error);
}

TEST(run_once, sleeps_until_something_comes) {
    brio::runner r;
    brio::event_loop& loop = r.get_loop();
    bool called = false;
    std::thread poster([&, handle = brio::loop_handle(loop)] {
        handle.call_soon_threadsafe([&] { called = true; });
    });
    while (!called) loop.run_once(std::nullopt);
    poster.join();
    loop.run_once(1ms);
}

TEST(fd, is_not_to_be_had_on_a_virtual_clock) {
    brio::testing::runner r;
    EXPECT_EQ(text_of<brio::usage_error>([&] { return r.get_loop().fd(); }),
              "fd: a loop on a virtual clock has none");
}

}  // namespace
