// Cancellation and time limits inside Boost fibers: Brio's suspension points are where they are felt.

#include "bridge/boost_fibers.hpp"

#include <stdexcept>

namespace {

using namespace bridge_tests;

/// A Boost fiber whose task the test holds. `body` is told of a cancel by its cancelled_error.
struct cancellable {
    template <class F>
    explicit cancellable(F body)
        : fiber(fibers::launch::dispatch, [this, body = std::move(body)]() mutable {
              task = brio::current_task();
              this_fiber::yield();  // here the constructor goes on
              try {
                  body();
              } catch (const brio::cancelled_error&) {
                  cancelled = true;
              }
          }) {}
    /// Lets it run as far as it can.
    void run() const {
        for (int turn = 0; turn < 10; ++turn) brio::yield();
    }
    brio::any_task task;
    bool cancelled = false;
    fibers::fiber fiber;
};

TEST(the_task_of_a_boost_fiber, is_its_own) {
    brio::boost_fiber::run([] {
        const auto of_main = brio::current_task();
        brio::any_task of_fiber;
        fibers::fiber([&] { of_fiber = brio::current_task(); }).join();
        EXPECT_TRUE(of_fiber.valid());
        EXPECT_NE(of_fiber, of_main);
        EXPECT_EQ(brio::current_task(), of_main);
    });
}

TEST(the_task_of_a_boost_fiber, is_done_when_the_fiber_has_ended) {
    brio::boost_fiber::run([] {
        fibers::promise<void> may_end;
        cancellable c([ended = may_end.get_future()]() mutable { ended.get(); });
        auto waiting = brio::create_task([&] { EXPECT_EQ(brio::wait({c.task}).done.size(), 1U); });
        c.run();
        EXPECT_FALSE(c.task.done());
        EXPECT_FALSE(waiting.done());
        may_end.set_value();
        c.fiber.join();
        waiting.await();
        EXPECT_TRUE(c.task.done());
        EXPECT_FALSE(c.task.cancelled());
        EXPECT_EQ(c.task.exception(), nullptr);
        EXPECT_FALSE(c.task.cancel());
    });
}

TEST(the_task_of_a_boost_fiber, is_none_of_those_that_the_end_of_run_cancels) {
    brio::boost_fiber::run(
        [] { fibers::fiber([] { EXPECT_EQ(brio::all_tasks().size(), 1U); }).join(); });
}

TEST(cancel_of_a_boost_fiber, ends_its_sleep) {
    brio::boost_fiber::run([] {
        cancellable c([] { brio::sleep(1h); });
        c.run();
        EXPECT_TRUE(c.task.cancel());
        c.fiber.join();
        EXPECT_TRUE(c.cancelled);
    });
}

TEST(cancel_of_a_boost_fiber, ends_a_read_and_loses_no_byte) {
    brio::boost_fiber::run([] {
        auto [near, far] = make_connection();
        cancellable c([&near = near] { (void)read_some(near); });
        c.run();
        c.task.cancel();
        c.fiber.join();
        EXPECT_TRUE(c.cancelled);
        far.write("kept");
        EXPECT_EQ(read_some(near), "kept");
    });
}

TEST(cancel_of_a_boost_fiber, goes_to_the_task_that_it_awaits) {
    brio::boost_fiber::run([] {
        auto awaited = brio::create_task([] { brio::sleep(1h); });
        cancellable c([&] { awaited.await(); });
        c.run();
        c.task.cancel();
        c.fiber.join();
        EXPECT_TRUE(c.cancelled);
        EXPECT_TRUE(awaited.cancelled());
    });
}

TEST(cancel_of_a_boost_fiber, before_it_suspends_is_thrown_by_its_first_suspension_in_brio) {
    brio::boost_fiber::run([] {
        bool came_to_the_sleep = false;
        cancellable c([&] {
            this_fiber::yield();
            came_to_the_sleep = true;
            brio::sleep(1h);
        });
        c.task.cancel();
        c.fiber.join();
        EXPECT_TRUE(came_to_the_sleep);
        EXPECT_TRUE(c.cancelled);
    });
}

TEST(cancel_of_a_boost_fiber, waits_until_it_has_left_what_only_boost_knows) {
    brio::boost_fiber::run([] {
        fibers::mutex mutex;
        bool has_locked = false;
        mutex.lock();
        cancellable c([&] {
            const std::scoped_lock lock(mutex);
            has_locked = true;
            brio::sleep(1h);
        });
        c.run();
        EXPECT_TRUE(c.task.cancel());
        c.run();
        EXPECT_FALSE(has_locked);
        mutex.unlock();
        c.fiber.join();
        EXPECT_TRUE(has_locked);
        EXPECT_TRUE(c.cancelled);
        EXPECT_TRUE(mutex.try_lock());
        mutex.unlock();
    });
}

TEST(cancel_of_a_boost_fiber, at_any_step_of_a_reads_way_back_loses_no_byte) {
    brio::boost_fiber::run([] {
        for (int steps = 0; steps < 8; ++steps) {
            auto [near, far] = make_connection();
            std::string got;
            cancellable c([&, &near = near] {
                got = read_some(near);
                brio::sleep(1h);
            });
            c.run();
            far.write("x");
            for (int i = 0; i < steps; ++i) brio::yield();
            c.task.cancel();
            c.fiber.join();
            EXPECT_TRUE(c.cancelled);
            if (got.empty()) got = read_some(near);
            EXPECT_EQ(got, "x") << steps;
        }
    });
}

TEST(cancel_of_a_boost_fiber, that_comes_with_a_futures_result_is_what_is_thrown) {
    brio::boost_fiber::run([] {
        const auto future = brio::create_future<int>();
        cancellable c([&] { (void)future.await(); });
        c.run();
        future.set_result(1);
        c.task.cancel();
        c.fiber.join();
        EXPECT_TRUE(c.cancelled);
    });
}

TEST(cancel_of_a_boost_fiber, that_nothing_delivers_makes_its_task_a_cancelled_one) {
    brio::boost_fiber::run([] {
        cancellable c([] { this_fiber::yield(); });
        c.task.cancel();
        c.fiber.join();
        EXPECT_FALSE(c.cancelled);
        EXPECT_TRUE(c.task.cancelled());
    });
}

TEST(cancel_of_a_boost_fiber, goes_through_a_boost_future) {
    brio::boost_fiber::run([] {
        brio::any_task task;
        auto result = fibers::async([&] {
            task = brio::current_task();
            brio::sleep(1h);
        });
        while (!task.valid()) brio::yield();
        task.cancel();
        EXPECT_THROW(result.get(), brio::cancelled_error);
    });
}

TEST(a_timeout_in_a_boost_fiber, ends_what_takes_too_long) {
    brio::boost_fiber::run([] {
        fibers::fiber([] {
            EXPECT_THROW(brio::timeout(1ms, [] { brio::sleep(1h); }), brio::timeout_error);
            EXPECT_EQ(brio::timeout(1h, [] { return 5; }), 5);
        }).join();
    });
}

TEST(a_timeout_in_a_boost_fiber, waits_for_boost_to_return_first) {
    brio::boost_fiber::run([] {
        fibers::promise<int> promise;
        fibers::fiber late([&] {
            brio::sleep(2ms);
            promise.set_value(3);
        });
        int got = 0;
        EXPECT_THROW(brio::timeout(0ms,
                                   [&] {
                                       got = promise.get_future().get();
                                       brio::sleep(1h);
                                   }),
                     brio::timeout_error);
        EXPECT_EQ(got, 3);
        late.join();
    });
}

TEST(cancel_of_main, ends_its_wait_in_brio_and_not_the_other_fibers) {
    bool other_ended = false;
    auto run = [&] {
        auto hosting = brio::create_task([&] {
            const brio::boost_fiber::scope scope;
            fibers::fiber([&] {
                brio::sleep(2ms);
                other_ended = true;
            }).detach();
            brio::sleep(1h);
        });
        brio::yield();
        brio::yield();
        hosting.cancel();
        hosting.await();
    };
    EXPECT_THROW(brio::run(run), brio::cancelled_error);
    EXPECT_TRUE(other_ended);
}

TEST(cancel_of_main, while_the_scope_waits_for_the_last_fiber_stays_pending) {
    brio::run([] {
        bool other_ended = false;
        bool left = false;
        auto hosting = brio::create_task([&] {
            {
                const brio::boost_fiber::scope scope;
                fibers::fiber([&] {
                    brio::sleep(2ms);
                    other_ended = true;
                }).detach();
            }
            left = true;
            brio::sleep(1h);
        });
        brio::yield();
        brio::yield();
        hosting.cancel();
        EXPECT_THROW(hosting.await(), brio::cancelled_error);
        EXPECT_TRUE(other_ended);
        EXPECT_TRUE(left);
    });
}

}  // namespace
