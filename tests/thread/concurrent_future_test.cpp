// concurrent_future: what any thread may wait for.

#include "scheduler/gate.hpp"
#include "scheduler/threads.hpp"
#include "task/story.hpp"

#include <atomic>
#include <optional>
#include <stdexcept>
#include <thread>

namespace {

using namespace story;
using brio_tests::asleep;
using brio_tests::comes_true;
using brio_tests::gate;
using brio_tests::this_thread_id;

/// Work that waits at a gate, in a pool of one thread.
class concurrent_future : public ::testing::Test {
protected:
    ~concurrent_future() override { held.open(); }
    brio::concurrent_future<int> held_work() {
        return pool.submit([this] {
            held.pass();
            return 5;
        });
    }
    gate held;
    brio::thread_pool pool{{.threads = 1}};
};

TEST_F(concurrent_future, gives_its_result_to_every_thread_that_waits) {
    const auto f = held_work();
    std::atomic<int> sum = 0;
    std::vector<std::thread> waiting;
    for (int i = 0; i < 4; ++i) waiting.emplace_back([&sum, f] { sum += f.result(); });
    held.open();
    for (std::thread& t : waiting) t.join();
    EXPECT_EQ(sum, 20);
    EXPECT_TRUE(f.done());
    EXPECT_FALSE(f.cancelled());
    EXPECT_EQ(f.exception(), nullptr);
}

TEST_F(concurrent_future, blocks_a_thread_until_it_is_done) {
    const auto f = held_work();
    std::atomic<brio_tests::thread_id> id = 0;
    std::thread waiting([&] {
        id = this_thread_id();
        EXPECT_EQ(f.result(1h), 5);
    });
    EXPECT_TRUE(comes_true([&] { return id != 0 && asleep(id); }));
    held.open();
    waiting.join();
}

TEST_F(concurrent_future, throws_when_the_time_is_up_and_may_be_asked_again) {
    const auto f = held_work();
    EXPECT_EQ(text_of<brio::timeout_error>([&] { return f.result(1ms); }), "timed out");
    EXPECT_EQ(text_of<brio::timeout_error>([&] { return f.result(-1s); }), "timed out");
    held.open();
    EXPECT_EQ(f.result(), 5);
    EXPECT_EQ(f.result(0s), 5);
}

TEST_F(concurrent_future, throws_what_the_work_threw_as_often_as_it_is_asked) {
    const auto f = pool.submit([]() -> int { throw std::runtime_error("no luck"); });
    EXPECT_EQ(ending([&] { return f.result(); }), "no luck");
    EXPECT_EQ(ending([&] { return f.result(); }), "no luck");
    EXPECT_EQ(ending([&] {
                  std::rethrow_exception(f.exception());
                  return 0;
              }),
              "no luck");
}

TEST_F(concurrent_future, can_be_cancelled_until_a_thread_has_begun) {
    const auto running = held_work();
    held.await_arrivals(1);
    bool called = false;
    const auto queued = pool.submit([&] { called = true; });
    EXPECT_TRUE(running.running());
    EXPECT_FALSE(running.cancel());
    EXPECT_TRUE(queued.cancel());
    EXPECT_TRUE(queued.cancel());
    EXPECT_TRUE(queued.cancelled());
    EXPECT_EQ(ending([&] {
                  queued.result();
                  return 0;
              }),
              "cancelled");
    EXPECT_EQ(ending([&] { return queued.exception() == nullptr; }), "cancelled");
    held.open();
    EXPECT_EQ(running.result(), 5);
    EXPECT_FALSE(running.cancel());
    pool.shutdown();
    EXPECT_FALSE(called);
}

TEST_F(concurrent_future, moves_its_value_out_of_the_last_handle) {
    auto f = pool.submit([] { return std::make_unique<int>(7); });
    EXPECT_EQ(*f.result(), 7);
    const auto other = f;
    EXPECT_EQ(*std::move(f).result(), 7);
    EXPECT_EQ(text_of<brio::invalid_state_error>([&] { return other.result() == nullptr; }),
              "result: the result of the concurrent_future was moved out");
    EXPECT_FALSE(f.valid());
    EXPECT_EQ(text_of<brio::usage_error>([&] { return f.done(); }),
              "the handle is empty: it was default-constructed or moved from");
}

TEST_F(concurrent_future, may_be_of_a_reference_or_of_nothing) {
    int there = 3;
    int& seen = pool.submit([&]() -> int& { return there; }).result();
    EXPECT_EQ(&seen, &there);
    pool.submit([] {}).result();
}

TEST_F(concurrent_future, suspends_a_fiber) {
    brio::run([&] {
        const auto f = held_work();
        brio::create_task([&] { held.open(); });
        EXPECT_EQ(f.result(), 5);
        EXPECT_EQ(f.result(), 5);
    });
}

TEST_F(concurrent_future, on_a_fiber_obeys_timeout_and_cancel_and_goes_on) {
    brio::run([&] {
        const auto f = held_work();
        EXPECT_EQ(ending([&] { return f.result(0s); }), "timeout");
        EXPECT_EQ(ending([&] { return f.result(1ms); }), "timeout");
        auto waiting = brio::create_task([&] { return f.result(); });
        brio::yield();
        waiting.cancel();
        EXPECT_EQ(ending([&] { return waiting.await(); }), "cancelled");
        EXPECT_FALSE(f.cancelled());
        held.open();
        EXPECT_EQ(f.result(), 5);
    });
}

TEST_F(concurrent_future, keeps_its_result_where_a_cancel_comes_when_the_wake_up_is_on_its_way) {
    brio::run([&] {
        const auto f = held_work();
        auto waiting = brio::create_task([&] { return f.result(); });
        brio::yield();
        held.open();
        while (!f.done()) std::this_thread::yield();
        // The notice is in the mailbox: its turn comes before the cancel's, and then the task's.
        brio::get_running_loop().call_soon_threadsafe([&] { waiting.cancel(); });
        EXPECT_EQ(ending([&] { return waiting.await(); }), "cancelled") << "as in asyncio";
        EXPECT_EQ(f.result(), 5);
    });
}

TEST_F(concurrent_future, does_not_block_a_loop_in_a_callback) {
    brio::run([&] {
        const auto f = held_work();
        brio::get_running_loop().call_soon([&] {
            EXPECT_THAT(text_of<brio::usage_error>([&] { return f.result(); }),
                        HasSubstr("concurrent_future::result suspends, so it must be called in a "
                                  "task"));
            EXPECT_THAT(text_of<brio::usage_error>([&] { return f.exception() == nullptr; }),
                        HasSubstr("concurrent_future::exception suspends"));
        });
        brio::yield();
    });
}

TEST_F(concurrent_future, is_waited_for_on_a_virtual_clock_too) {
    run([&] {
        const auto f = held_work();
        brio::create_task([&] { held.open(); });
        EXPECT_EQ(f.result(), 5);
    });
}

TEST_F(concurrent_future, is_wrapped_into_a_future_of_the_loop) {
    brio::run([&] {
        const auto f = held_work();
        auto wrapped = brio::wrap_future(f);
        EXPECT_FALSE(wrapped.done());
        held.open();
        EXPECT_EQ(wrapped.await(), 5);
        EXPECT_EQ(brio::wrap_future(f).result(), 5) << "done already: at once";
    });
}

TEST_F(concurrent_future, that_is_wrapped_passes_errors_and_cancels_on_both_ways) {
    brio::run([&] {
        auto failing = pool.submit([]() -> int { throw std::runtime_error("no luck"); });
        EXPECT_EQ(ending([&] { return brio::wrap_future(failing).await(); }), "no luck");
        const auto running = held_work();
        held.await_arrivals(1);
        const auto first = pool.submit([] { return 1; });
        const auto second = pool.submit([] { return 2; });
        auto wrapped_first = brio::wrap_future(first);
        auto wrapped_second = brio::wrap_future(second);
        first.cancel();
        EXPECT_EQ(ending([&] { return wrapped_first.await(); }), "cancelled");
        EXPECT_TRUE(wrapped_first.cancelled());
        EXPECT_TRUE(wrapped_second.cancel());
        EXPECT_TRUE(second.cancelled());
        EXPECT_FALSE(wrapped_second.cancel());
    });
}

TEST_F(concurrent_future, keeps_its_wrapper_alive_for_the_wrapper_s_callbacks) {
    brio::run([&] {
        auto called = brio::create_future<int>();
        brio::wrap_future(held_work()).add_done_callback([&](const brio::any_future& f) {
            called.set_result(f.cancelled() ? 0 : 1);
        });
        held.open();
        EXPECT_EQ(called.await(), 1);
    });
}

TEST_F(concurrent_future, whose_loop_has_closed_lets_go_of_its_wrapper) {
    std::optional<brio::future<int>> left;
    brio::run([&] {
        left = brio::wrap_future(held_work());
        static_cast<void>(brio::wrap_future(held_work()));
    });
    EXPECT_FALSE(left->done());
    held.open();
    pool.shutdown();
    EXPECT_FALSE(left->done());
}

TEST(wrap_future, needs_a_loop) {
    brio::thread_pool pool;
    EXPECT_EQ(
        text_of<brio::usage_error>([&] { return brio::wrap_future(pool.submit([] {})).valid(); }),
        "wrap_future needs a running loop on this thread: brio::run");
}

}  // namespace
