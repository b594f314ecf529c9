// Programs in the manner of Boost.Fiber's documentation, each beside a task that goes on running, and with
// waits of Brio's among Boost's.

#include "bridge/boost_fibers.hpp"

#include <memory>
#include <stdexcept>

namespace {

using namespace bridge_tests;
using ::testing::ElementsAre;

/// Runs it in main, with a bystander whose turns do not stop.
template <class F>
void run_beside_tasks(F program) {
    brio::boost_fiber::run([&] {
        const bystander beside;
        program();
        EXPECT_GT(beside.turns(), 0);
    });
}

// ---------------------------------------------------------------------------------------- fibers

TEST(a_fiber, launched_at_once_runs_before_its_creator_and_before_those_that_are_posted) {
    run_beside_tasks([] {
        story told;
        fibers::fiber posted(fibers::launch::post, [&] { told.add("posted"); });
        fibers::fiber dispatched(fibers::launch::dispatch, [&] {
            told.add("dispatched");
            brio::yield();
            told.add("ends");
        });
        told.add("creator");
        posted.join();
        dispatched.join();
        EXPECT_THAT(told.lines, ElementsAre("dispatched", "posted", "creator", "ends"));
    });
}

TEST(a_fiber, launched_at_once_by_another_may_wait_in_brio_at_once) {
    run_beside_tasks([] {
        int depth = 0;
        fibers::fiber(fibers::launch::dispatch, [&] {
            fibers::fiber inner(fibers::launch::dispatch, [&] {
                brio::sleep(1ms);
                ++depth;
            });
            brio::sleep(1ms);
            ++depth;
            inner.join();
        }).join();
        EXPECT_EQ(depth, 2);
    });
}

TEST(a_fiber, has_arguments_moves_and_compares_ids) {
    run_beside_tasks([] {
        fibers::fiber::id seen;
        fibers::fiber first(
            [&](std::unique_ptr<int> owned) {
                seen = this_fiber::get_id();
                brio::yield();
                EXPECT_EQ(*owned, 4);
            },
            std::make_unique<int>(4));
        const auto id = first.get_id();
        fibers::fiber second = std::move(first);
        EXPECT_FALSE(first.joinable());
        second.join();
        EXPECT_EQ(seen, id);
        EXPECT_NE(seen, this_fiber::get_id());
    });
}

TEST(a_fiber, that_joins_itself_is_told_so) {
    run_beside_tasks([] {
        fibers::fiber self;
        self = fibers::fiber([&] { EXPECT_THROW(self.join(), fibers::fiber_error); });
        brio::sleep(1ms);
        self.join();
    });
}

template <class Stack>
void run_on(Stack stack) {
    fibers::fiber(std::allocator_arg, stack, [] {
        std::array<volatile char, 8192> frame = {};
        brio::sleep(1ms);
        this_fiber::sleep_for(1ms);
        EXPECT_EQ(frame.back(), 0);
    }).join();
}

TEST(a_fiber, runs_on_each_kind_of_stack) {
    run_beside_tasks([] {
        run_on(fibers::fixedsize_stack(256 * 1024));
        run_on(fibers::protected_fixedsize_stack(256 * 1024));
        run_on(fibers::pooled_fixedsize_stack(256 * 1024));
    });
}

TEST(fibers_by_the_thousand, sleep_and_end) {
    run_beside_tasks([] {
        int ended = 0;
        std::vector<fibers::fiber> all;
        for (int i = 0; i < 1000; ++i)
            all.emplace_back([&, i] {
                if (i % 2 == 0)
                    brio::sleep(1ms);
                else
                    this_fiber::sleep_for(1ms);
                ++ended;
            });
        for (auto& one : all) one.join();
        EXPECT_EQ(ended, 1000);
    });
}

/// Who woke when, of three that sleep for 3, 1 and 2 units; empty when one of them came to its sleep
/// after the first deadline: then there was nothing to be put in order.
std::vector<int> order_of_waking(std::chrono::milliseconds unit) {
    const auto now = std::chrono::steady_clock::now();
    bool in_time = true;
    std::vector<int> woken;
    std::vector<fibers::fiber> all;
    for (const int length : {3, 1, 2})
        all.emplace_back([&, length] {
            in_time = in_time && std::chrono::steady_clock::now() < now + unit;
            this_fiber::sleep_until(now + length * unit);
            woken.push_back(length);
        });
    for (auto& one : all) one.join();
    return in_time ? woken : std::vector<int>();
}

TEST(sleep_until, wakes_in_the_order_of_the_deadlines) {
    run_beside_tasks([] {
        std::vector<int> woken;
        for (auto unit = 1ms; woken.empty(); unit *= 2) woken = order_of_waking(unit);
        EXPECT_THAT(woken, ElementsAre(1, 2, 3));
    });
}

TEST(a_fiber_specific_pointer, is_each_fibers_own_and_is_cleaned_up_at_its_end) {
    run_beside_tasks([] {
        static int alive = 0;
        struct counted {
            explicit counted(int v) : value(v) { ++alive; }
            ~counted() { --alive; }
            int value;
        };
        fibers::fiber_specific_ptr<counted> own;
        const auto use = [&own](int value) {
            EXPECT_EQ(own.get(), nullptr);
            own.reset(new counted(value));
            brio::sleep(1ms);
            EXPECT_EQ(own->value, value);
        };
        fibers::fiber a(use, 1);
        fibers::fiber b(use, 2);
        a.join();
        b.join();
        EXPECT_EQ(alive, 0);
    });
}

// -------------------------------------------------------------------------------------- channels

TEST(an_unbuffered_channel, hands_over_each_value) {
    run_beside_tasks([] {
        fibers::unbuffered_channel<int> channel;
        fibers::fiber producer([&] {
            for (int i = 0; i < 5; ++i) {
                if (i == 2) brio::sleep(1ms);
                EXPECT_EQ(channel.push(i), fibers::channel_op_status::success);
            }
            channel.close();
        });
        std::vector<int> got;
        for (const int i : channel) {
            brio::yield();
            got.push_back(i);
        }
        EXPECT_THAT(got, ElementsAre(0, 1, 2, 3, 4));
        producer.join();
    });
}

TEST(a_buffered_channel, holds_back_the_producer_and_is_emptied_after_its_close) {
    run_beside_tasks([] {
        fibers::buffered_channel<std::string> channel(4);
        fibers::fiber producer([&] {
            for (int i = 0; i < 10; ++i) channel.push(std::to_string(i));
            channel.close();
        });
        std::string all;
        for (std::string one; channel.pop(one) == fibers::channel_op_status::success;) {
            brio::yield();
            all += one;
        }
        EXPECT_EQ(all, "0123456789");
        EXPECT_EQ(channel.push("late"), fibers::channel_op_status::closed);
        producer.join();
    });
}

TEST(a_channel, gives_up_after_a_time) {
    run_beside_tasks([] {
        fibers::unbuffered_channel<int> channel;
        int value = 0;
        EXPECT_EQ(channel.pop_wait_for(value, 1ms), fibers::channel_op_status::timeout);
        EXPECT_EQ(channel.push_wait_for(1, 1ms), fibers::channel_op_status::timeout);
        fibers::fiber late([&] {
            brio::sleep(1ms);
            channel.push(9);
        });
        EXPECT_EQ(channel.pop_wait_for(value, 1h), fibers::channel_op_status::success);
        EXPECT_EQ(value, 9);
        late.join();
    });
}

TEST(work_from_one_channel, is_shared_among_workers) {
    run_beside_tasks([] {
        fibers::buffered_channel<int> work(2);
        fibers::buffered_channel<int> squares(16);
        std::vector<fibers::fiber> workers;
        for (int w = 0; w < 3; ++w)
            workers.emplace_back([&] {
                for (const int n : work) {
                    brio::sleep(1ms);
                    squares.push(n * n);
                }
            });
        for (int n = 1; n <= 6; ++n) work.push(n);
        work.close();
        for (auto& worker : workers) worker.join();
        squares.close();
        int sum = 0;
        for (const int square : squares) sum += square;
        EXPECT_EQ(sum, 91);
    });
}

// --------------------------------------------------------------------------------- synchronization

TEST(a_mutex, is_held_across_waits_of_both_kinds) {
    run_beside_tasks([] {
        fibers::mutex mutex;
        int inside = 0;
        std::vector<fibers::fiber> all;
        for (int i = 0; i < 4; ++i)
            all.emplace_back([&, i] {
                const std::scoped_lock lock(mutex);
                EXPECT_EQ(++inside, 1);
                if (i % 2 == 0)
                    brio::sleep(1ms);
                else
                    this_fiber::yield();
                --inside;
            });
        for (auto& one : all) one.join();
    });
}

template <class Mutex>
void lock_twice_and_wait() {
    Mutex mutex;
    bool other_had_it = false;
    mutex.lock();
    mutex.lock();
    fibers::fiber other([&] {
        EXPECT_FALSE(mutex.try_lock());
        mutex.lock();
        other_had_it = true;
        mutex.unlock();
    });
    brio::sleep(1ms);
    mutex.unlock();
    brio::yield();
    EXPECT_FALSE(other_had_it);
    mutex.unlock();
    other.join();
    EXPECT_TRUE(other_had_it);
}

TEST(a_recursive_mutex, is_its_owners_until_the_last_unlock) {
    run_beside_tasks([] {
        lock_twice_and_wait<fibers::recursive_mutex>();
        lock_twice_and_wait<fibers::recursive_timed_mutex>();
    });
}

template <class Mutex>
void lock_within_a_time() {
    Mutex mutex;
    mutex.lock();
    fibers::fiber impatient([&] { EXPECT_FALSE(mutex.try_lock_for(1ms)); });
    fibers::fiber patient([&] {
        EXPECT_TRUE(mutex.try_lock_until(std::chrono::steady_clock::now() + 1h));
        mutex.unlock();
    });
    impatient.join();
    brio::sleep(1ms);
    mutex.unlock();
    patient.join();
}

TEST(a_timed_mutex, is_waited_for_no_longer_than_said) {
    run_beside_tasks([] {
        lock_within_a_time<fibers::timed_mutex>();
        lock_within_a_time<fibers::recursive_timed_mutex>();
    });
}

TEST(a_condition_variable, wakes_those_whose_condition_holds) {
    run_beside_tasks([] {
        fibers::mutex mutex;
        fibers::condition_variable changed;
        int stage = 0;
        story told;
        const auto wait_for_stage = [&](int wanted) {
            std::unique_lock lock(mutex);
            changed.wait(lock, [&] { return stage >= wanted; });
            told.add("stage " + std::to_string(wanted));
        };
        fibers::fiber second(wait_for_stage, 2);
        fibers::fiber first(wait_for_stage, 1);
        for (int i = 0; i < 2; ++i) {
            brio::sleep(1ms);
            const std::scoped_lock lock(mutex);
            ++stage;
            changed.notify_all();
        }
        first.join();
        second.join();
        EXPECT_THAT(told.lines, ElementsAre("stage 1", "stage 2"));
    });
}

TEST(a_condition_variable, gives_up_after_a_time) {
    run_beside_tasks([] {
        fibers::mutex mutex;
        fibers::condition_variable_any any;
        fibers::condition_variable one;
        std::unique_lock lock(mutex);
        EXPECT_EQ(one.wait_for(lock, 1ms), fibers::cv_status::timeout);
        EXPECT_EQ(any.wait_for(lock, 1ms), fibers::cv_status::timeout);
        fibers::fiber notifier([&] {
            brio::sleep(1ms);
            const std::scoped_lock inner(mutex);
            one.notify_one();
        });
        EXPECT_EQ(one.wait_for(lock, 1h), fibers::cv_status::no_timeout);
        lock.unlock();
        notifier.join();
    });
}

TEST(a_barrier, lets_all_go_when_the_last_has_come) {
    run_beside_tasks([] {
        fibers::barrier barrier(3);
        int arrived = 0;
        int last = 0;
        std::vector<fibers::fiber> all;
        for (int i = 0; i < 3; ++i)
            all.emplace_back([&, i] {
                brio::sleep(i * 1ms);
                ++arrived;
                if (barrier.wait()) ++last;
                EXPECT_EQ(arrived, 3);
            });
        for (auto& one : all) one.join();
        EXPECT_EQ(last, 1);
    });
}

// --------------------------------------------------------------------------------------- futures

TEST(a_future, has_what_the_promise_is_given) {
    run_beside_tasks([] {
        fibers::promise<std::string> promise;
        auto future = promise.get_future();
        EXPECT_EQ(future.wait_for(1ms), fibers::future_status::timeout);
        fibers::fiber setter([&] {
            brio::sleep(1ms);
            promise.set_value("set");
        });
        EXPECT_EQ(future.wait_for(1h), fibers::future_status::ready);
        EXPECT_EQ(future.get(), "set");
        setter.join();
    });
}

TEST(a_future, throws_what_the_fiber_has_thrown) {
    run_beside_tasks([] {
        auto failed = fibers::async([]() -> int {
            brio::sleep(1ms);
            throw std::runtime_error("out of a fiber");
        });
        EXPECT_THROW(failed.get(), std::runtime_error);
    });
}

TEST(a_future, is_told_that_its_promise_was_broken) {
    run_beside_tasks([] {
        fibers::future<void> future;
        fibers::fiber([&] {
            fibers::promise<void> promise;
            future = promise.get_future();
            brio::sleep(1ms);
        }).detach();
        while (!future.valid()) this_fiber::yield();
        EXPECT_THROW(future.get(), fibers::broken_promise);
    });
}

TEST(a_shared_future, is_awaited_by_many) {
    run_beside_tasks([] {
        fibers::shared_future<int> shared = fibers::async(fibers::launch::dispatch, [] {
                                                brio::sleep(1ms);
                                                return 5;
                                            }).share();
        int sum = 0;
        std::vector<fibers::fiber> all;
        for (int i = 0; i < 3; ++i) all.emplace_back([&sum, shared] { sum += shared.get(); });
        for (auto& one : all) one.join();
        EXPECT_EQ(sum, 15);
    });
}

TEST(a_packaged_task, gives_its_future_the_result) {
    run_beside_tasks([] {
        fibers::packaged_task<int(int)> task([](int n) {
            brio::sleep(1ms);
            return 2 * n;
        });
        auto future = task.get_future();
        fibers::fiber(std::move(task), 21).detach();
        EXPECT_EQ(future.get(), 42);
    });
}

// ----------------------------------------------------------------------------- when_all, when_any

TEST(when_all, collects_the_results_in_the_order_of_their_coming) {
    run_beside_tasks([] {
        fibers::buffered_channel<std::string> results(8);
        const auto all_done = std::make_shared<fibers::barrier>(3);
        const auto early_is_there = brio::create_future<void>();
        const auto answer = [&](const char* text, auto attempt) {
            fibers::fiber([&results, all_done, text, attempt] {
                attempt();
                results.push(text);
                all_done->wait();
            }).detach();
        };
        answer("late", [early_is_there] { early_is_there.await(); });
        answer("early", [early_is_there] {
            brio::sleep(1ms);
            early_is_there.set_result();
        });
        all_done->wait();
        results.close();
        story told;
        for (const std::string& text : results) told.add(text);
        EXPECT_THAT(told.lines, ElementsAre("early", "late"));
    });
}

TEST(when_any, takes_the_first_that_succeeds_and_leaves_the_others_to_themselves) {
    int ended = 0;
    brio::boost_fiber::run([&] {
        const bystander beside;
        using result = fibers::future<std::string>;
        auto channel = std::make_shared<fibers::buffered_channel<result>>(4);
        const auto try_it = [&](auto attempt) {
            fibers::fiber([&ended, channel, attempt] {
                fibers::packaged_task<std::string()> task(attempt);
                auto future = task.get_future();
                task();
                channel->push(std::move(future));
                ++ended;
            }).detach();
        };
        try_it([]() -> std::string { throw std::runtime_error("fails first"); });
        try_it([] {
            brio::sleep(1ms);
            return std::string("good");
        });
        fibers::promise<void> taken;
        try_it([late = taken.get_future().share()] {
            late.get();
            return std::string("too late");
        });
        std::string first;
        int failures = 0;
        for (result next;
             first.empty() && channel->pop(next) == fibers::channel_op_status::success;) {
            if (next.get_exception_ptr() != nullptr)
                ++failures;
            else
                first = next.get();
        }
        channel->close();
        taken.set_value();
        EXPECT_EQ(first, "good");
        EXPECT_EQ(failures, 1);
    });
    EXPECT_EQ(ended, 3);
}

}  // namespace
