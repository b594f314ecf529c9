// to_thread, run_in_executor and the loop's default executor.

#include "scheduler/gate.hpp"
#include "scheduler/threads.hpp"
#include "task/story.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>

namespace {

using namespace story;
using brio_tests::gate;

template <class... A>
concept to_thread_takes = requires(A... a) {
    brio::to_thread(a...);
};
static_assert(to_thread_takes<void (*)(int), int>);
static_assert(!to_thread_takes<void (*)(brio::any_future), brio::any_future>);
static_assert(!to_thread_takes<void (*)(brio::task<int>), brio::task<int>>);

long sum_of(const std::string& text, long seed) {
    for (const char c : text) seed += c;
    return seed;
}

TEST(to_thread, calls_a_function_with_copies_of_its_arguments_on_another_thread) {
    run([] {
        EXPECT_EQ(brio::to_thread(sum_of, std::string("ab"), 5), 'a' + 'b' + 5);
        EXPECT_NE(brio::to_thread([] { return std::this_thread::get_id(); }),
                  std::this_thread::get_id());
        auto owned = std::make_unique<int>(3);
        EXPECT_EQ(*brio::to_thread([](std::unique_ptr<int> p) { return p; }, std::move(owned)), 3);
        brio::to_thread([] {});
    });
}

TEST(to_thread, throws_what_the_function_throws) {
    run([] {
        EXPECT_EQ(ending([] {
                      brio::to_thread([] { throw std::runtime_error("no luck"); });
                      return 0;
                  }),
                  "no luck");
    });
}

TEST(to_thread, takes_the_context_along_and_brings_nothing_back) {
    run([] {
        brio::context_var<int> number("number", 0);
        const auto scope = number.scoped(7);
        EXPECT_EQ(brio::to_thread([&] {
                      const int before = number.get();
                      number.set(8);
                      return before;
                  }),
                  7);
        EXPECT_EQ(number.get(), 7);
    });
}

TEST(to_thread, lets_other_tasks_run_meanwhile) {
    run([] {
        gate held;
        auto other = brio::create_task([&] { held.open(); });
        brio::to_thread([&] { held.pass(); });
        EXPECT_TRUE(other.done());
    });
}

TEST(to_thread, that_is_cancelled_ends_at_once_and_the_call_goes_on) {
    gate held;
    std::atomic<bool> ended = false;
    run([&] {
        auto waiting = brio::create_task([&] {
            brio::to_thread([&] {
                held.pass();
                ended = true;
            });
        });
        brio::yield();
        held.await_arrivals(1);
        waiting.cancel();
        EXPECT_EQ(ending([&] {
                      waiting.await();
                      return 0;
                  }),
                  "cancelled");
        EXPECT_FALSE(ended);
        held.open();
    });
    EXPECT_TRUE(ended) << "run() waits for the default executor";
}

TEST(to_thread, that_is_cancelled_before_it_suspends_does_not_wait) {
    gate held;  // outlives the call, which goes on
    run([&] {
        brio::current_task().cancel();
        EXPECT_EQ(ending([&] {
                      brio::to_thread([&] { held.pass(); });
                      return 0;
                  }),
                  "cancelled");
        held.open();
    });
}

TEST(to_thread, that_is_cancelled_before_a_thread_has_begun_is_not_called) {
    gate held;
    bool called = false;
    run([&] {
        brio::thread_pool one({.threads = 1});
        brio::get_running_loop().set_default_executor(one);
        auto first = brio::create_task([&] { brio::to_thread([&] { held.pass(); }); });
        auto second = brio::create_task([&] { brio::to_thread([&] { called = true; }); });
        turns(2);
        held.await_arrivals(1);
        second.cancel();
        EXPECT_EQ(ending([&] {
                      second.await();
                      return 0;
                  }),
                  "cancelled");
        held.open();
        first.await();
        brio::get_running_loop().shutdown_default_executor();
    });
    EXPECT_FALSE(called);
}

TEST(to_thread, races_its_end_with_a_cancel_and_loses_nothing) {
    run([] {
        for (int round = 0; round < 300; ++round) {
            auto kept = std::make_shared<int>(round);
            auto waiting =
                brio::create_task([&] { return brio::to_thread([kept] { return *kept; }); });
            turns(1 + round % 7);
            if (round % 3 == 0) std::this_thread::yield();
            waiting.cancel();
            try {
                EXPECT_EQ(waiting.await(), round);
            } catch (const brio::cancelled_error&) {
            }
        }
    });
}

TEST(to_thread, needs_a_task) {
    EXPECT_EQ(text_of<brio::usage_error>([] {
                  brio::to_thread([] {});
                  return 0;
              }),
              "to_thread needs a running loop on this thread: brio::run");
}

TEST(run_in_executor, returns_a_future_of_the_loop) {
    run([] {
        brio::thread_pool pool({.threads = 1});
        auto own = brio::run_in_executor(pool, [] { return 1; });
        auto default_one = brio::run_in_executor([] { return 2; });
        EXPECT_EQ(own.await() + default_one.await(), 3);
    });
}

TEST(run_in_executor, needs_a_loop) {
    brio::thread_pool pool;
    EXPECT_EQ(text_of<brio::usage_error>([] { return brio::run_in_executor([] {}).valid(); }),
              "run_in_executor needs a running loop on this thread: brio::run");
    bool called = false;
    EXPECT_EQ(text_of<brio::usage_error>(
                  [&] { return brio::run_in_executor(pool, [&] { called = true; }).valid(); }),
              "run_in_executor needs a running loop on this thread: brio::run");
    pool.shutdown();
    EXPECT_FALSE(called);
}

TEST(run_in_executor, reports_an_error_that_nobody_retrieves) {
    run([] {
        const reports seen;
        static_cast<void>(brio::run_in_executor([] { throw std::runtime_error("no luck"); }));
        brio::get_running_loop().shutdown_default_executor();
        turns(3);
        EXPECT_THAT(seen.told(), ElementsAre("a future's exception was never retrieved | no luck"));
    });
}

TEST(default_executor, has_numbered_threads_and_is_made_when_it_is_needed) {
    run([] {
        const auto before = brio_tests::threads_of_this_process();
        brio::to_thread([] {});
        EXPECT_FALSE(brio_tests::no_thread_but(before));
    });
}

TEST(default_executor, that_was_shut_down_is_refused) {
    run([] {
        brio::event_loop& loop = brio::get_running_loop();
        brio::to_thread([] {});
        loop.shutdown_default_executor();
        loop.shutdown_default_executor();
        brio::thread_pool pool;
        EXPECT_EQ(text_of<brio::usage_error>([] {
                      brio::to_thread([] {});
                      return 0;
                  }),
                  "to_thread: the default executor has been shut down");
        EXPECT_EQ(text_of<brio::usage_error>([] { return brio::run_in_executor([] {}).valid(); }),
                  "run_in_executor: the default executor has been shut down");
        EXPECT_EQ(text_of<brio::usage_error>([&] {
                      loop.set_default_executor(pool);
                      return 0;
                  }),
                  "set_default_executor: the default executor has been shut down");
    });
}

TEST(default_executor, that_takes_too_long_is_reported_and_left_to_itself) {
    const auto held = std::make_shared<gate>();
    std::atomic<bool> ended = false;
    brio::run([&] {
        const reports seen;
        static_cast<void>(brio::run_in_executor([&ended, held] {
            held->pass();
            ended = true;
        }));
        brio::get_running_loop().shutdown_default_executor(1ms);
        EXPECT_THAT(seen.told(), ElementsAre("the default executor is still at work: its threads "
                                             "are left to themselves"));
    });
    EXPECT_FALSE(ended);
    held->open();
    EXPECT_TRUE(brio_tests::comes_true([&] { return ended.load(); }));
}

TEST(default_executor, of_the_programs_own_that_takes_too_long_stays_the_programs) {
    gate held;
    brio::thread_pool pool({.threads = 1});
    pool.submit([] {}).result();
    const auto before = brio_tests::threads_of_this_process();
    std::atomic<bool> ended = false;
    brio::run([&] {
        const reports seen;
        brio::to_thread([] {});  // the loop has one of its own, too
        brio::get_running_loop().set_default_executor(pool);
        static_cast<void>(brio::run_in_executor([&] {
            held.pass();
            ended = true;
        }));
        brio::get_running_loop().shutdown_default_executor(1ms);
        EXPECT_EQ(seen.told().size(), 1U);
    });
    EXPECT_FALSE(ended);
    EXPECT_TRUE(brio_tests::comes_true([&] { return brio_tests::no_thread_but(before); }));
    held.open();
    pool.shutdown();
    EXPECT_TRUE(ended);
}

TEST(default_executor, is_waited_for_by_a_runner_that_closes) {
    std::atomic<bool> ended = false;
    brio::runner r;
    r.run([&] {
        static_cast<void>(brio::run_in_executor([&] {
            std::this_thread::yield();
            ended = true;
        }));
    });
    r.close();
    EXPECT_TRUE(ended);
}

}  // namespace
