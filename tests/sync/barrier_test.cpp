// barrier: rounds, reset, abort, cancels.

#include "task/story.hpp"

namespace {

using namespace story;

/// A task that waits at the barrier and says how that ended: "a: 0", "a: cancelled".
auto arriving(brio::barrier& b, lines& seen, const std::string& name) {
    return brio::create_task([&b, &seen, name] {
        std::size_t index = 0;
        const std::string end = ending([&] { index = b.wait(); });
        seen.push_back(name + ": " + (end == "returned" ? std::to_string(index) : end));
    });
}

TEST(barrier, lets_all_go_when_the_last_has_come_and_numbers_them) {
    run([] {
        brio::barrier b(3);
        lines seen;
        auto a = arriving(b, seen, "a");
        auto c = arriving(b, seen, "c");
        turns(1);
        EXPECT_EQ(b.n_waiting(), 2U);
        EXPECT_EQ(b.parties(), 3U);
        const hops since;
        EXPECT_EQ(b.wait(), 2U);
        EXPECT_EQ(since.so_far(), 0);
        EXPECT_EQ(b.n_waiting(), 0U);
        brio::gather(a, c).await();
        EXPECT_THAT(seen, ElementsAre("a: 0", "c: 1"));
    });
}

TEST(barrier, of_one_lets_everybody_pass) {
    run([] {
        brio::barrier b(1);
        EXPECT_EQ(b.wait(), 0U);
        EXPECT_EQ(b.wait(), 0U);
    });
}

TEST(barrier, is_used_again_and_again_and_keeps_its_rounds_apart) {
    run([] {
        brio::barrier b(4);
        std::vector<int> round_of(4, 0);
        std::vector<std::function<void()>> bodies;
        for (std::size_t i = 0; i < 4; ++i)
            bodies.emplace_back([&, i] {
                for (int round = 1; round <= 5; ++round) {
                    round_of[i] = round;
                    turns(static_cast<int>(i));
                    b.wait();
                    for (const int other : round_of) EXPECT_GE(other, round);
                }
            });
        brio::gather(bodies).await();
        EXPECT_EQ(b.n_waiting(), 0U);
    });
}

TEST(barrier, makes_those_wait_who_come_while_a_round_leaves) {
    run([] {
        brio::barrier b(2);
        lines seen;
        std::vector<brio::task<void>> tasks;
        for (const char* name : {"a", "b", "c", "d", "e"}) tasks.push_back(arriving(b, seen, name));
        turns(6);
        EXPECT_THAT(seen, ElementsAre("b: 1", "a: 0", "d: 1", "c: 0"));
        EXPECT_EQ(b.n_waiting(), 1U);
        b.wait();
        brio::gather(tasks).await();
    });
}

TEST(barrier, is_as_if_a_task_had_not_come_that_is_cancelled_while_it_waits) {
    run([] {
        brio::barrier b(2);
        lines seen;
        auto a = arriving(b, seen, "a");
        turns(1);
        a.cancel();
        a.await();
        EXPECT_FALSE(b.broken());
        EXPECT_EQ(b.n_waiting(), 0U);
        auto c = arriving(b, seen, "c");
        turns(1);
        EXPECT_EQ(b.wait(), 1U);
        c.await();
        EXPECT_THAT(seen, ElementsAre("a: cancelled", "c: 0"));
    });
}

TEST(barrier, lets_the_others_go_when_one_is_cancelled_as_he_wakes_up) {
    run([] {
        brio::barrier b(3);
        lines seen;
        auto a = arriving(b, seen, "a");
        auto c = arriving(b, seen, "c");
        turns(1);
        b.wait();
        a.cancel();
        brio::gather(a, c).await();
        EXPECT_THAT(seen, ElementsAre("a: cancelled", "c: 1"));
        auto d = arriving(b, seen, "d");
        auto e = arriving(b, seen, "e");
        turns(1);
        EXPECT_EQ(b.wait(), 2U);  // the next round works
        brio::gather(d, e).await();
    });
}

TEST(barrier, is_not_waited_at_by_a_task_that_is_cancelled_already) {
    run([] {
        brio::barrier b(2);
        brio::current_task().cancel("before");
        EXPECT_EQ(ending([&] { b.wait(); }), "cancelled(before)");
        EXPECT_EQ(b.n_waiting(), 0U);
    });
}

TEST(barrier, breaks_those_who_wait_when_it_is_reset_and_is_as_new) {
    run([] {
        brio::barrier b(3);
        lines seen;
        auto a = arriving(b, seen, "a");
        auto c = arriving(b, seen, "c");
        turns(1);
        b.reset();
        EXPECT_FALSE(b.broken());
        brio::gather(a, c).await();
        EXPECT_THAT(seen, ElementsAre("a: barrier::wait: the barrier was reset or aborted",
                                      "c: barrier::wait: the barrier was reset or aborted"));
        auto d = arriving(b, seen, "d");
        auto e = arriving(b, seen, "e");
        turns(1);
        EXPECT_EQ(b.wait(), 2U);
        brio::gather(d, e).await();
    });
}

TEST(barrier, may_be_reset_while_nobody_waits) {
    run([] {
        brio::barrier b(1);
        b.reset();
        EXPECT_EQ(b.wait(), 0U);
    });
}

TEST(barrier, is_broken_for_all_once_it_is_aborted_until_it_is_reset) {
    run([] {
        brio::barrier b(2);
        lines seen;
        auto a = arriving(b, seen, "a");
        turns(1);
        b.abort();
        EXPECT_TRUE(b.broken());
        a.await();
        EXPECT_THAT(seen, ElementsAre("a: barrier::wait: the barrier was reset or aborted"));
        EXPECT_EQ(text_of<brio::broken_barrier_error>([&] { b.wait(); }),
                  "barrier::wait: the barrier is aborted");
        b.reset();
        EXPECT_FALSE(b.broken());
        auto c = arriving(b, seen, "c");
        turns(1);
        EXPECT_EQ(b.wait(), 1U);
        c.await();
    });
}

TEST(barrier, refuses_no_parties_and_a_wait_outside_a_task) {
    EXPECT_EQ(text_of<std::invalid_argument>([] { brio::barrier b(0); }),
              "barrier: the parties are 0");
    brio::barrier b(1);
    EXPECT_THAT(text_of<brio::usage_error>([&] { b.wait(); }),
                HasSubstr("barrier::wait suspends, so it must be called in a task"));
}

TEST(barrier, is_named_by_who_waits_at_it) {
    brio::barrier b(2);
    const auto text = text_of<brio::testing::deadlock_error>([&] { run([&] { b.wait(); }); });
    EXPECT_THAT(text, HasSubstr("waits for barrier"));
}

}  // namespace
