// thread_pool: its threads and its end.

#include "scheduler/gate.hpp"
#include "scheduler/threads.hpp"
#include "task/story.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <set>
#include <string>
#include <sys/prctl.h>
#include <thread>

namespace {

using namespace story;
using brio_tests::gate;

std::string name_of_this_thread() {
    std::array<char, 16> name{};
    ::prctl(PR_GET_NAME, name.data());
    return name.data();
}

TEST(thread_pool, numbers_its_threads) {
    gate held;
    brio::thread_pool pool({.threads = 2, .name = "a-pool-with-a-long-name"});
    const auto name = [&] {
        held.pass();
        return name_of_this_thread();
    };
    const auto first = pool.submit(name);
    const auto second = pool.submit(name);
    held.await_arrivals(2);
    held.open();
    std::set<std::string> names{first.result(), second.result()};
    EXPECT_THAT(names, ElementsAre("a-pool-with-a-0", "a-pool-with-a-1"));
}

TEST(thread_pool, makes_no_more_threads_than_it_may_and_works_in_order) {
    gate held;
    brio::thread_pool pool({.threads = 1});
    lines order;
    const auto begun = pool.submit([&] { held.pass(); });
    for (const char* each : {"a", "b", "c"})
        static_cast<void>(pool.submit([&order, each] { order.emplace_back(each); }));
    held.open();
    pool.shutdown();
    EXPECT_THAT(order, ElementsAre("a", "b", "c"));
}

TEST(thread_pool, destroys_a_callable_before_its_future_is_done) {
    brio::thread_pool pool({.threads = 1});
    const auto owned = std::make_shared<int>(1);
    pool.submit([owned] { return *owned; }).result();
    EXPECT_EQ(owned.use_count(), 1);
}

TEST(thread_pool, that_has_been_shut_down_does_what_it_has_and_takes_no_more) {
    gate held;
    brio::thread_pool pool({.threads = 1});
    const auto begun = pool.submit([&] { held.pass(); });
    const auto queued = pool.submit([] { return 2; });
    pool.shutdown(false);
    EXPECT_EQ(text_of<brio::usage_error>([&] { return pool.submit([] {}).valid(); }),
              "thread_pool::submit: the pool has been shut down");
    held.open();
    pool.shutdown();
    pool.shutdown();
    EXPECT_EQ(queued.result(0s), 2);
}

TEST(thread_pool, without_a_thread_is_shut_down_at_once) {
    brio::thread_pool pool;
    pool.shutdown();
}

TEST(thread_pool, refuses_to_wait_on_one_of_its_threads) {
    brio::thread_pool pool;
    EXPECT_EQ(text_of<brio::usage_error>([&] {
                  pool.submit([&] { pool.shutdown(); }).result();
                  return 0;
              }),
              "thread_pool::shutdown: this is one of its threads");
}

TEST(thread_pool, suspends_a_fiber_that_waits_for_its_end) {
    run([] {
        gate held;
        brio::thread_pool pool;
        static_cast<void>(pool.submit([&] { held.pass(); }));
        auto opener = brio::create_task([&] { held.open(); });
        pool.shutdown();
        EXPECT_TRUE(opener.done());
    });
}

TEST(thread_pool, whose_end_a_fiber_waits_for_lets_a_cancel_through_but_in_its_destructor) {
    run([] {
        gate held;
        auto task = brio::create_task([&] {
            brio::thread_pool pool;
            static_cast<void>(pool.submit([&] { held.pass(); }));
            EXPECT_EQ(ending([&] {
                          pool.shutdown();
                          return 0;
                      }),
                      "cancelled");
            brio::create_task([&] { held.open(); });
        });
        brio::yield();
        task.cancel();
        task.await();
    });
}

TEST(thread_pool, gives_results_to_many_submitters) {
    brio::thread_pool pool({.threads = 4});
    std::atomic<int> sum = 0;
    std::vector<std::thread> submitters;
    for (int t = 0; t < 4; ++t)
        submitters.emplace_back([&] {
            for (int i = 0; i < 200; ++i) sum += pool.submit([i] { return i; }).result();
        });
    for (std::thread& t : submitters) t.join();
    EXPECT_EQ(sum, 4 * 199 * 100);
}

}  // namespace
