// event: who is woken when, cancels, misuse.

#include "task/story.hpp"

namespace {

using namespace story;

auto waiting(brio::event& e, lines& seen, const char* name) {
    return brio::create_task([&e, &seen, name] {
        e.wait();
        seen.emplace_back(name);
    });
}

TEST(event, is_not_waited_for_once_it_is_set) {
    run([] {
        brio::event e;
        EXPECT_FALSE(e.is_set());
        e.set();
        EXPECT_TRUE(e.is_set());
        const hops since;
        e.wait();
        e.wait();
        EXPECT_EQ(since.so_far(), 0);
        e.clear();
        EXPECT_FALSE(e.is_set());
    });
}

TEST(event, wakes_all_who_wait_in_order_in_the_next_turn) {
    run([] {
        brio::event e;
        lines seen;
        auto a = waiting(e, seen, "a");
        auto b = waiting(e, seen, "b");
        auto c = waiting(e, seen, "c");
        turns(1);
        EXPECT_THAT(seen, IsEmpty());
        e.set();
        e.set();
        turns(1);
        EXPECT_THAT(seen, ElementsAre("a", "b", "c"));
        brio::gather(a, b, c).await();
    });
}

TEST(event, leaves_those_awake_whom_it_has_woken_when_it_is_cleared_again) {
    run([] {
        brio::event e;
        lines seen;
        auto a = waiting(e, seen, "a");
        turns(1);
        e.set();
        e.clear();
        auto b = waiting(e, seen, "b");
        turns(2);
        EXPECT_THAT(seen, ElementsAre("a"));
        e.set();
        b.await();
        a.await();
        EXPECT_THAT(seen, ElementsAre("a", "b"));
    });
}

TEST(event, cancels_a_wait_of_a_task_that_is_cancelled_before_during_and_as_it_wakes) {
    run([] {
        brio::event e;
        brio::current_task().cancel("before");
        EXPECT_EQ(ending([&] { e.wait(); }), "cancelled(before)");
        lines seen;
        auto during = waiting(e, seen, "during");
        auto waking = waiting(e, seen, "waking");
        auto other = waiting(e, seen, "other");
        turns(1);
        during.cancel();
        e.set();
        waking.cancel();
        other.await();
        EXPECT_TRUE(during.cancelled());
        EXPECT_TRUE(waking.cancelled());
        EXPECT_THAT(seen, ElementsAre("other"));
    });
}

TEST(event, is_waited_for_in_spite_of_a_cancel_that_is_deferred) {
    run([] {
        brio::event e;
        lines seen;
        auto t = brio::create_task([&] {
            brio::shielded([&] { e.wait(); });
            seen.emplace_back("waited");
            brio::yield();
        });
        turns(1);
        t.cancel();
        turns(2);
        EXPECT_FALSE(t.done());
        e.set();
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled");
        EXPECT_THAT(seen, ElementsAre("waited"));
    });
}

TEST(event, is_left_when_a_timeout_is_up) {
    run([] {
        brio::event e;
        EXPECT_EQ(ending([&] { brio::timeout(3s, [&] { e.wait(); }); }), "timeout");
        EXPECT_EQ(now(), 3000);
        e.set();  // reaches nobody
    });
}

TEST(event, refuses_to_be_waited_for_outside_a_task) {
    brio::event e;
    EXPECT_THAT(text_of<brio::usage_error>([&] { e.wait(); }),
                HasSubstr("event::wait suspends, so it must be called in a task"));
    run([&] {
        std::string text;
        brio::get_running_loop().call_soon(
            [&] { text = text_of<brio::usage_error>([&] { e.wait(); }); });
        turns(2);
        EXPECT_THAT(text, HasSubstr("event::wait suspends"));
    });
}

TEST(event, is_named_by_who_waits_for_it_when_nothing_can_happen_any_more) {
    brio::event e;
    const auto text = text_of<brio::testing::deadlock_error>([&] { run([&] { e.wait(); }); });
    EXPECT_THAT(text, HasSubstr("waits for event"));
}

}  // namespace
