// Queues with those who wait: for an item, for room, for the last task_done; cancels; shutdown.

#include "task/story.hpp"

namespace {

using namespace story;

template <class Queue>
auto getting(Queue& q, lines& seen, const std::string& name) {
    return brio::create_task([&q, &seen, name] {
        int item = 0;
        const std::string end = ending([&] { item = q.get(); });
        seen.push_back(name + ": " + (end == "returned" ? std::to_string(item) : end));
    });
}

template <class Queue>
auto putting(Queue& q, lines& seen, int item) {
    return brio::create_task([&q, &seen, item] {
        const std::string end = ending([&] { q.put(item); });
        seen.push_back(std::to_string(item) + ": " + end);
    });
}

// ------------------------------------------------------------------------------------------- waiting

TEST(queue_wait, ends_one_turn_after_an_item_was_put_or_taken) {
    run([] {
        brio::queue<int> q(1);
        hops since;
        int to_get = -1, to_put = -1;
        auto getter = brio::create_task([&] {
            const int item = q.get();
            to_get = since.so_far();
            return item;
        });
        turns(1);
        since.restart();
        q.put(5);
        EXPECT_EQ(since.so_far(), 0);
        EXPECT_EQ(getter.await(), 5);
        EXPECT_EQ(to_get, 1);

        q.put(6);
        auto putter = brio::create_task([&] {
            q.put(7);
            to_put = since.so_far();
        });
        turns(1);
        since.restart();
        EXPECT_EQ(q.get(), 6);
        EXPECT_EQ(since.so_far(), 0);
        putter.await();
        EXPECT_EQ(to_put, 1);
    });
}

TEST(queue_wait, serves_getters_and_putters_in_the_order_in_which_they_came) {
    run([] {
        brio::queue<int> q(1);
        lines seen;
        auto a = getting(q, seen, "a"), b = getting(q, seen, "b"), c = getting(q, seen, "c");
        turns(1);
        for (int i = 1; i <= 3; ++i) q.put(i);
        brio::gather(a, b, c).await();
        EXPECT_THAT(seen, ElementsAre("a: 1", "b: 2", "c: 3"));
        seen.clear();
        q.put(4);
        auto d = putting(q, seen, 5), e = putting(q, seen, 6);
        turns(1);
        for (int i = 4; i <= 6; ++i) EXPECT_EQ(q.get(), i);
        brio::gather(d, e).await();
        EXPECT_THAT(seen, ElementsAre("5: returned", "6: returned"));
    });
}

TEST(queue_wait, begins_anew_behind_all_others_when_somebody_took_the_item_first) {
    run([] {
        brio::queue<int> q;
        lines seen;
        auto a = getting(q, seen, "a"), b = getting(q, seen, "b");
        turns(1);
        q.put(1);
        EXPECT_EQ(q.get(), 1);  // a is on his way
        turns(2);
        q.put(2);
        q.put(3);
        brio::gather(a, b).await();
        EXPECT_THAT(seen, ElementsAre("b: 2", "a: 3"));
    });
}

TEST(queue_wait, moves_all_items_from_many_producers_to_many_consumers) {
    run([] {
        brio::queue<std::unique_ptr<int>> q(3);
        long sum = 0;
        std::vector<brio::task<void>> consumers;
        for (int i = 0; i < 3; ++i)
            consumers.push_back(brio::create_task([&] {
                try {
                    for (;;) sum += *q.get();
                } catch (const brio::queue_shut_down&) {
                }
            }));
        const auto produce = [&] {
            for (int i = 1; i <= 100; ++i) q.put(std::make_unique<int>(i));
        };
        brio::gather(std::vector(5, produce)).await();
        q.shutdown();
        brio::gather(consumers).await();
        EXPECT_EQ(sum, 5 * 5050);
    });
}

TEST(queue_wait, gives_out_the_smallest_of_what_is_there_when_a_getter_runs) {
    run([] {
        brio::priority_queue<int> q;
        lines seen;
        auto a = getting(q, seen, "a");
        turns(1);
        q.put(5);
        q.put(1);
        a.await();
        EXPECT_THAT(seen, ElementsAre("a: 1"));
    });
}

// ------------------------------------------------------------------------------------------- cancels

TEST(queue_wait, has_taken_nothing_when_it_is_cancelled_before_or_during) {
    run([] {
        brio::queue<int> q(1);
        brio::current_task().cancel("before");
        EXPECT_EQ(ending([&] { return q.get(); }), "cancelled(before)");
        lines seen;
        auto a = getting(q, seen, "a"), b = getting(q, seen, "b");
        turns(1);
        a.cancel();
        q.put(1);
        brio::gather(a, b).await();
        EXPECT_THAT(seen, ElementsAre("a: cancelled", "b: 1"));
    });
}

TEST(queue_wait, passes_its_wake_up_on_when_a_getter_is_cancelled_as_he_wakes) {
    run([] {
        brio::queue<int> q;
        lines seen;
        auto a = getting(q, seen, "a"), b = getting(q, seen, "b");
        turns(1);
        q.put(1);
        a.cancel();
        brio::gather(a, b).await();
        EXPECT_THAT(seen, ElementsAre("a: cancelled", "b: 1"));
        EXPECT_TRUE(q.empty());
    });
}

TEST(queue_wait, passes_its_wake_up_on_when_a_putter_is_cancelled_as_he_wakes) {
    run([] {
        brio::queue<int> q(1);
        lines seen;
        q.put(0);
        auto a = putting(q, seen, 1), b = putting(q, seen, 2);
        turns(1);
        EXPECT_EQ(q.get(), 0);
        a.cancel();
        brio::gather(a, b).await();
        EXPECT_THAT(seen, ElementsAre("1: cancelled", "2: returned"));
        EXPECT_EQ(q.get(), 2);
    });
}

TEST(queue_wait, leaves_the_item_of_a_cancelled_put_untouched) {
    run([] {
        brio::queue<std::unique_ptr<int>> q(1);
        q.put(std::make_unique<int>(1));
        auto item = std::make_unique<int>(2);
        EXPECT_EQ(ending([&] { brio::timeout(1s, [&] { q.put(std::move(item)); }); }), "timeout");
        brio::current_task().cancel();
        EXPECT_EQ(ending([&] { q.put(std::move(item)); }), "cancelled");
        ASSERT_NE(item, nullptr);
        EXPECT_EQ(*q.get(), 1);
        q.put(std::move(item));
        EXPECT_EQ(*q.get(), 2);
    });
}

TEST(queue_wait, loses_no_item_when_getters_are_cancelled_in_every_state) {
    run([] {
        brio::queue<int> q;
        int got = 0;
        for (int i = 0; i < 200; ++i) {
            auto t = brio::create_task([&] {
                static_cast<void>(q.get());
                ++got;
            });
            turns(i % 2);
            q.put(i);
            turns(i % 3);
            t.cancel();
            static_cast<void>(brio::wait({t}));
        }
        EXPECT_EQ(got + static_cast<int>(q.qsize()), 200);
        EXPECT_GT(got, 0);
        EXPECT_FALSE(q.empty());
    });
}

TEST(queue_wait, loses_no_item_and_no_room_when_putters_are_cancelled_in_every_state) {
    run([] {
        brio::queue<int> q(1);
        q.put(0);
        int put = 1, got = 0;
        for (int i = 0; i < 200; ++i) {
            auto t = brio::create_task([&] {
                q.put(1);
                ++put;
            });
            turns(i % 2);
            if (!q.empty()) {
                static_cast<void>(q.get());
                ++got;
            }
            turns(i % 3);
            t.cancel();
            static_cast<void>(brio::wait({t}));
        }
        EXPECT_EQ(put - got, static_cast<int>(q.qsize()));
        EXPECT_GT(put, 1);
        if (q.empty()) q.put(1);
        EXPECT_TRUE(q.full());
    });
}

// ------------------------------------------------------------------------------- join and task_done

TEST(queue_wait, of_join_ends_when_every_item_has_been_dealt_with) {
    run([] {
        brio::queue<int> q;
        q.join();  // nothing was put
        for (int i = 0; i < 3; ++i) q.put(i);
        auto worker = brio::create_task([&] {
            for (;;) {
                static_cast<void>(q.get());
                brio::sleep(1s);
                q.task_done();
            }
        });
        q.join();
        EXPECT_EQ(now(), 3000);
        q.join();
        worker.cancel();
        static_cast<void>(brio::wait({worker}));
    });
}

TEST(queue_wait, of_join_is_cancelled_alone) {
    run([] {
        brio::queue<int> q;
        q.put(1);
        auto a = brio::create_task([&] { q.join(); });
        auto b = brio::create_task([&] { q.join(); });
        turns(1);
        a.cancel();
        static_cast<void>(q.get());
        q.task_done();
        b.await();
        EXPECT_TRUE(a.cancelled());
    });
}

// ------------------------------------------------------------------------------------------ shutdown

TEST(queue_wait, ends_in_queue_shut_down_for_getters_and_putters_when_the_queue_is_shut_down) {
    run([] {
        lines seen;
        brio::queue<int> empty, full(1);
        full.put(1);
        auto a = getting(empty, seen, "a");
        auto b = putting(full, seen, 2);
        turns(1);
        empty.shutdown();
        full.shutdown();
        brio::gather(a, b).await();
        EXPECT_THAT(seen, ElementsAre("a: queue::get: the queue is shut down",
                                      "2: queue::put: the queue is shut down"));
        EXPECT_EQ(text_of<brio::queue_shut_down>([&] { full.put_nowait(3); }),
                  "queue::put_nowait: the queue is shut down");
        EXPECT_EQ(full.get(), 1);  // what is there can still be had
        EXPECT_EQ(text_of<brio::queue_shut_down>([&] { static_cast<void>(full.get_nowait()); }),
                  "queue::get_nowait: the queue is shut down");
        EXPECT_EQ(text_of<brio::queue_shut_down>([&] { static_cast<void>(full.get()); }),
                  "queue::get: the queue is shut down");
    });
}

TEST(queue_wait, of_join_goes_on_after_a_shutdown_until_the_items_have_been_dealt_with) {
    run([] {
        brio::queue<int> q;
        q.put(1);
        auto joiner = brio::create_task([&] { q.join(); });
        turns(1);
        q.shutdown();
        turns(2);
        EXPECT_FALSE(joiner.done());
        static_cast<void>(q.get());
        q.task_done();
        joiner.await();
    });
}

TEST(queue_wait, of_join_ends_when_an_immediate_shutdown_drops_the_items) {
    run([] {
        brio::queue<int> q;
        lines seen;
        q.put(1);
        q.put(2);
        auto joiner = brio::create_task([&] { q.join(); });
        turns(1);
        q.shutdown(true);
        EXPECT_TRUE(q.empty());
        joiner.await();
        EXPECT_THROW(q.task_done(), std::invalid_argument);
    });
}

TEST(queue_wait, of_join_waits_after_an_immediate_shutdown_for_items_that_were_taken_before) {
    run([] {
        brio::queue<int> q;
        q.put(1);
        q.put(2);
        static_cast<void>(q.get());
        auto joiner = brio::create_task([&] { q.join(); });
        turns(1);
        q.shutdown(true);
        turns(2);
        EXPECT_FALSE(joiner.done());
        q.task_done();
        joiner.await();
    });
}

TEST(queue_wait, says_in_a_dump_what_it_waits_for) {
    brio::queue<int> q;
    const auto text =
        text_of<brio::testing::deadlock_error>([&] { run([&] { static_cast<void>(q.get()); }); });
    EXPECT_THAT(text, HasSubstr("waits for get from a queue"));
}

TEST(queue_wait, aborts_when_the_queue_is_destroyed_under_it) {
    EXPECT_DEATH(run([] {
                     brio::task<int> t;
                     brio::queue<int> q;
                     t = brio::create_task([&] { return q.get(); });
                     turns(1);
                 }),
                 "destroyed while a task waits for it");
}

}  // namespace
