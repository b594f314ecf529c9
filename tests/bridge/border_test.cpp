// Where Boost's fibers begin and end: what tasks may do with them, what other threads may, and what is
// refused.

#include "bridge/boost_fibers.hpp"

#include <stdexcept>
#include <thread>

namespace {

using namespace bridge_tests;
using brio::boost_fiber::await;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The text of the usage_error that f() throws.
template <class F>
std::string refusal(F f) {
    try {
        f();
    } catch (const brio::usage_error& e) {
        return e.what();
    }
    return "none";
}

// ----------------------------------------------------------------------------------------- tasks

TEST(a_task, awaits_what_a_boost_future_holds) {
    brio::boost_fiber::run([] {
        auto task = brio::create_task([] {
            const auto may_end = brio::create_future<void>();
            auto late = fibers::async([&] {
                may_end.await();
                return std::string("value");
            });
            brio::get_running_loop().call_soon([&] { may_end.set_result(); });
            EXPECT_EQ(await(std::move(late)), "value");
            EXPECT_THROW(await(fibers::async([] { throw std::runtime_error("no"); })),
                         std::runtime_error);
            int number = 0;
            EXPECT_EQ(&await(fibers::async([&]() -> int& { return number; })), &number);
            const fibers::shared_future<int> shared = fibers::async([] { return 3; }).share();
            EXPECT_EQ(await(shared) + await(shared), 6);
        });
        task.await();
    });
}

TEST(a_task, gives_up_awaiting_a_boost_future_when_it_is_cancelled) {
    brio::boost_fiber::run([] {
        fibers::promise<int> promise;
        auto task = brio::create_task(
            [future = promise.get_future()]() mutable { return await(std::move(future)); });
        brio::sleep(1ms);
        task.cancel();
        EXPECT_THROW(task.await(), brio::cancelled_error);
        promise.set_value(1);
    });
}

TEST(a_task, gathers_what_boost_fibers_do) {
    brio::boost_fiber::run([] {
        auto task = brio::create_task([] {
            fibers::unbuffered_channel<int> channel;
            auto [pushed, popped] =
                brio::gather(brio::boost_fiber::async([&] {
                                 return channel.push(4) == fibers::channel_op_status::success;
                             }),
                             brio::boost_fiber::async([&] { return channel.value_pop(); }))
                    .await();
            EXPECT_TRUE(pushed);
            EXPECT_EQ(popped, 4);
        });
        task.await();
    });
}

TEST(a_task, calls_what_does_not_suspend_in_boost) {
    brio::boost_fiber::run([] {
        fibers::promise<int> promise;
        fibers::buffered_channel<int> channel(4);
        fibers::mutex mutex;
        fibers::condition_variable changed;
        bool set = false;
        auto task = brio::create_task([&] {
            promise.set_value(1);
            EXPECT_EQ(channel.try_push(2), fibers::channel_op_status::success);
            channel.close();
            fibers::fiber(fibers::launch::post, [&] {
                const std::scoped_lock lock(mutex);
                set = true;
                changed.notify_one();
            }).detach();
        });
        EXPECT_EQ(promise.get_future().get(), 1);
        EXPECT_EQ(channel.value_pop(), 2);
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return set; });
        task.await();
    });
}

TEST(a_callback, may_set_a_boost_promise) {
    brio::boost_fiber::run([] {
        fibers::promise<int> promise;
        brio::get_running_loop().call_later(1ms, [&] { promise.set_value(6); });
        EXPECT_EQ(promise.get_future().get(), 6);
    });
}

TEST(a_task_death, is_what_comes_of_waiting_in_boost_outside_its_fibers) {
    EXPECT_DEATH(brio::boost_fiber::run([] {
                     fibers::promise<int> promise;
                     auto future = promise.get_future();
                     brio::create_task([&] { return future.get(); }).await();
                 }),
                 "a call of Boost.Fiber that suspends was made by a task");
    EXPECT_DEATH(brio::boost_fiber::run([] {
                     brio::create_task([] {
                         fibers::fiber(fibers::launch::dispatch, [] {}).join();
                     }).await();
                 }),
                 "a call of Boost.Fiber that suspends was made by a task");
}

// ----------------------------------------------------------------------------------------- scopes

TEST(a_scope, is_refused_where_it_cannot_be) {
    EXPECT_THAT(refusal([] { const brio::boost_fiber::scope outside; }),
                HasSubstr("boost_fiber::scope suspends, so it must be called in a task"));
    brio::boost_fiber::run([] {
        EXPECT_EQ(refusal([] { const brio::boost_fiber::scope second; }),
                  "boost_fiber::scope: there is one on this thread already");
    });
    fibers::fiber([] {
        EXPECT_EQ(refusal([] { brio::boost_fiber::run([] {}); }),
                  "boost_fiber::scope: its loop runs in a Boost fiber: call brio::run outside of "
                  "those");
    }).join();
}

TEST(async, without_a_scope_is_refused) {
    const auto call = [] { (void)brio::boost_fiber::async([] {}); };
    const std::string text = "boost_fiber::async needs a boost_fiber::scope on this thread";
    EXPECT_EQ(refusal(call), text);
    brio::run([&] { EXPECT_EQ(refusal(call), text); });
}

TEST(a_scope, waits_for_detached_fibers_and_those_that_they_start) {
    int ended = 0;
    brio::run([&] {
        {
            const brio::boost_fiber::scope scope;
            fibers::fiber([&] {
                brio::sleep(1ms);
                fibers::fiber([&] {
                    this_fiber::sleep_for(1ms);
                    ++ended;
                }).detach();
                ++ended;
            }).detach();
        }
        EXPECT_EQ(ended, 2);
    });
}

TEST(a_scope, comes_after_another_in_other_tasks_and_loops) {
    for (int run = 0; run < 3; ++run)
        brio::run([] {
            for (int task = 0; task < 2; ++task)
                brio::create_task([] {
                    const brio::boost_fiber::scope scope;
                    fibers::fiber([] { brio::sleep(1ms); }).join();
                }).await();
        });
}

TEST(a_scope, may_be_made_in_the_first_step_of_an_eager_task) {
    brio::run([] {
        story told;
        auto eager = brio::create_task(
            [&] {
                const brio::boost_fiber::scope scope;
                fibers::fiber([&] { told.add("fiber"); }).join();
            },
            {.eager_start = true});
        told.add("creator");
        eager.await();
        EXPECT_THAT(told.lines, ElementsAre("creator", "fiber"));
    });
}

TEST(a_scope, takes_in_fibers_that_were_there_before_and_leaves_boost_as_it_was) {
    fibers::unbuffered_channel<int> channel;
    fibers::fiber waiting([&] { EXPECT_EQ(channel.value_pop(), 1); });
    this_fiber::yield();  // now it waits
    fibers::fiber ready([&] { brio::sleep(1ms); });
    brio::boost_fiber::run([&] {
        channel.push(1);
        fibers::fiber([] { brio::sleep(1ms); }).join();
    });
    waiting.join();
    ready.join();
    EXPECT_EQ(fibers::async([] {
                  this_fiber::sleep_for(1ms);
                  return 8;
              }).get(),
              8);
}

TEST(a_boost_fiber, that_has_ended_may_be_joined_after_its_loop_has_gone) {
    fibers::fiber kept;
    brio::any_task task;
    brio::boost_fiber::run([&] {
        kept = fibers::fiber([&] {
            task = brio::current_task();
            brio::sleep(1ms);
        });
    });
    EXPECT_TRUE(task.done());
    kept.join();
}

// ----------------------------------------------------------------------------------------- threads

TEST(another_thread, sets_promises_of_boost) {
    brio::boost_fiber::run([] {
        for (int i = 0; i < 200; ++i) {
            fibers::promise<int> promise;
            std::thread setter([&] { promise.set_value(i); });
            EXPECT_EQ(promise.get_future().get(), i);
            setter.join();
        }
    });
}

TEST(another_thread, sends_through_a_channel_while_tasks_run) {
    brio::boost_fiber::run([] {
        const bystander beside;
        fibers::buffered_channel<int> channel(16);
        std::thread sender([&] {
            for (int i = 1; i <= 1000; ++i) channel.push(i);
            channel.close();
        });
        int sum = 0;
        for (const int i : channel) sum += i;
        EXPECT_EQ(sum, 500500);
        sender.join();
    });
}

TEST(another_thread, has_boost_fibers_and_a_loop_of_its_own) {
    fibers::buffered_channel<int> there(4);
    fibers::buffered_channel<int> back(4);
    std::thread other([&] {
        brio::boost_fiber::run([&] {
            for (const int i : there) {
                brio::sleep(1ms);
                back.push(i + 1);
            }
            back.close();
        });
    });
    brio::boost_fiber::run([&] {
        for (int i = 0; i < 5; ++i) {
            there.push(i);
            EXPECT_EQ(back.value_pop(), i + 1);
        }
        there.close();
    });
    other.join();
}

}  // namespace
