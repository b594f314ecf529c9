// add_done_callback and remove_done_callback.

#include "task/story.hpp"

namespace {

using namespace story;

TEST(done_callback, runs_in_the_turn_after_the_future_is_done) {
    run([] {
        auto f = brio::create_future<int>();
        lines seen;
        hops since;
        f.add_done_callback([&](const brio::any_future& done) {
            EXPECT_EQ(done, f);
            seen.push_back("callback after " + std::to_string(since.so_far()));
        });
        f.set_result(1);
        EXPECT_THAT(seen, IsEmpty());
        brio::yield();
        EXPECT_THAT(seen, ElementsAre("callback after 1"));
    });
}

TEST(done_callback, of_a_done_future_runs_in_the_next_turn_behind_what_is_ready) {
    run([] {
        auto f = brio::create_future<void>();
        f.set_result();
        lines seen;
        brio::get_running_loop().call_soon([&] { seen.push_back("ready before"); });
        f.add_done_callback([&](const brio::any_future&) { seen.push_back("callback"); });
        brio::get_running_loop().call_soon([&] { seen.push_back("ready after"); });
        brio::yield();
        EXPECT_THAT(seen, ElementsAre("ready before", "callback", "ready after"));
    });
}

TEST(done_callback, and_awaiters_are_woken_in_the_order_in_which_they_came) {
    run([] {
        auto f = brio::create_future<void>();
        lines seen;
        const auto note = [&](const char* what) {
            return [&seen, what](const brio::any_future&) { seen.push_back(what); };
        };
        const auto waiter = [&](const char* what) {
            return [&seen, f, what] {
                f.await();
                seen.push_back(what);
            };
        };
        f.add_done_callback(note("callback 1"));
        brio::create_task(waiter("waiter 1"));
        brio::create_task(waiter("waiter 2"));
        brio::yield();
        f.add_done_callback(note("callback 2"));
        f.set_result();
        brio::yield();
        EXPECT_THAT(seen, ElementsAre("callback 1", "waiter 1", "waiter 2", "callback 2"));
    });
}

TEST(done_callback, is_called_though_the_last_handle_has_gone) {
    run([] {
        lines seen;
        {
            auto f = brio::create_future<int>();
            f.add_done_callback([&](const brio::any_future& done) {
                seen.push_back(done.exception() == nullptr ? "value" : "error");
            });
            f.set_result(1);
        }
        brio::create_task([] {}, {.name = "detached"})
            .add_done_callback([&](const brio::any_future& done) {
                seen.push_back(done.cancelled() ? "cancelled" : "done");
            });
        turns(3);
        EXPECT_THAT(seen, ElementsAre("value", "done"));
    });
}

TEST(done_callback, of_a_future_that_is_dropped_pending_is_destroyed_with_it) {
    run([] {
        auto token = std::make_shared<int>();
        {
            auto f = brio::create_future<int>();
            f.add_done_callback([token](const brio::any_future&) { FAIL(); });
            EXPECT_EQ(token.use_count(), 2);
        }
        EXPECT_EQ(token.use_count(), 1);
        brio::yield();
    });
}

TEST(done_callback, that_was_queued_when_the_loop_closed_is_destroyed_without_a_call) {
    auto token = std::make_shared<int>();
    brio::future<int> kept;
    run([&] {
        kept = brio::create_future<int>();
        brio::get_running_loop().call_soon([&] {
            // The last turn: main is done, and the loop ends behind this one.
            kept.add_done_callback([token](const brio::any_future&) { FAIL(); });
            kept.set_result(1);
        });
    });
    EXPECT_EQ(token.use_count(), 1);
    EXPECT_EQ(kept.result(), 1);
}

TEST(done_callback, added_after_the_loop_closed_is_destroyed_without_a_call) {
    auto token = std::make_shared<int>();
    brio::future<int> pending;
    run([&] { pending = brio::create_future<int>(); });
    pending.add_done_callback([token](const brio::any_future&) { FAIL(); });
    EXPECT_TRUE(pending.cancel());
    EXPECT_EQ(token.use_count(), 1);
    pending.add_done_callback([token](const brio::any_future&) { FAIL(); });
    EXPECT_EQ(token.use_count(), 1);
}

TEST(done_callback, added_twice_is_called_twice) {
    run([] {
        auto f = brio::create_future<void>();
        int calls = 0;
        const auto count = [&](const brio::any_future&) { ++calls; };
        const auto first = f.add_done_callback(count);
        const auto second = f.add_done_callback(count);
        EXPECT_NE(first, second);
        f.set_result();
        brio::yield();
        EXPECT_EQ(calls, 2);
    });
}

TEST(done_callback, can_be_removed_while_the_future_is_pending) {
    run([] {
        auto f = brio::create_future<void>();
        lines seen;
        const auto note = [&](const char* what) {
            return [&seen, what](const brio::any_future&) { seen.push_back(what); };
        };
        f.add_done_callback(note("a"));
        const auto b = f.add_done_callback(note("b"));
        f.add_done_callback(note("c"));
        EXPECT_TRUE(f.remove_done_callback(b));
        EXPECT_FALSE(f.remove_done_callback(b));
        f.set_result();
        brio::yield();
        EXPECT_THAT(seen, ElementsAre("a", "c"));
    });
}

TEST(done_callback, can_not_be_removed_when_the_future_is_done) {
    run([] {
        auto f = brio::create_future<void>();
        int calls = 0;
        const auto id = f.add_done_callback([&](const brio::any_future&) { ++calls; });
        f.set_result();
        EXPECT_FALSE(f.remove_done_callback(id));
        brio::yield();
        EXPECT_EQ(calls, 1);
    });
}

TEST(done_callback, may_remove_another_that_waits_for_a_second_future) {
    run([] {
        auto first = brio::create_future<void>();
        auto second = brio::create_future<void>();
        int calls = 0;
        const auto id = second.add_done_callback([&](const brio::any_future&) { ++calls; });
        first.add_done_callback(
            [&](const brio::any_future&) { EXPECT_TRUE(second.remove_done_callback(id)); });
        first.set_result();
        brio::yield();
        second.set_result();
        brio::yield();
        EXPECT_EQ(calls, 0);
    });
}

TEST(done_callback, that_throws_is_reported_and_the_others_are_called) {
    run([] {
        const reports handler;
        auto f = brio::create_future<void>();
        int calls = 0;
        f.add_done_callback(
            [](const brio::any_future&) { throw std::runtime_error("callback failed"); });
        f.add_done_callback([&](const brio::any_future&) { ++calls; });
        f.set_result();
        brio::yield();
        EXPECT_EQ(calls, 1);
        EXPECT_THAT(handler.told(), ElementsAre("exception in a done callback | callback failed"));
    });
}

TEST(done_callback, runs_outside_every_task) {
    run([] {
        bool empty = false;
        auto f = brio::create_future<void>();
        f.add_done_callback(
            [&](const brio::any_future&) { empty = !brio::current_task().valid(); });
        f.set_result();
        brio::yield();
        EXPECT_TRUE(empty);
    });
}

TEST(done_callback, may_not_suspend) {
    run([] {
        auto f = brio::create_future<void>();
        std::string text;
        f.add_done_callback([&](const brio::any_future&) {
            text = text_of<brio::usage_error>([] { brio::sleep(1s); });
        });
        f.set_result();
        brio::yield();
        EXPECT_THAT(text, HasSubstr("must be called in a task"));
    });
}

}  // namespace
