// shield, defer_cancel and shielded: what a cancel does not reach.

#include "task/story.hpp"

namespace {

using namespace story;

int waiters_of(const brio::any_future& f) {
    int n = 0;
    for (auto* w = f.core().waiters().first(); w != nullptr; w = w->next) ++n;
    return n;
}

TEST(shield, gives_the_result_two_turns_after_the_inner_end) {
    run([] {
        hops since;
        auto inner = brio::create_task([&] {
            brio::sleep(10ms);
            since.restart();
            return 7;
        });
        EXPECT_EQ(brio::shield(inner).await(), 7);
        EXPECT_EQ(since.so_far(), 2);
    });
}

TEST(shield, of_what_is_done_is_that_itself) {
    run([] {
        auto f = brio::create_future<int>();
        f.set_result(3);
        const auto s = brio::shield(f);
        EXPECT_EQ(s, f);
        hops since;
        EXPECT_EQ(s.await(), 3);
        EXPECT_EQ(since.so_far(), 0);
    });
}

TEST(shield, makes_a_task_of_a_callable) {
    run([] { EXPECT_EQ(brio::shield([] { return std::string("made"); }).await(), "made"); });
}

TEST(shield, passes_on_references_and_move_only_results) {
    run([] {
        int number = 1;
        int& same = brio::shield([&]() -> int& { return number; }).await();
        EXPECT_EQ(&same, &number);
        const auto pointer =
            brio::shield(brio::create_task([] { return std::make_unique<int>(4); })).await();
        EXPECT_EQ(*pointer, 4);
    });
}

TEST(shield, passes_on_the_inner_error) {
    run([] {
        auto s = brio::shield([] { throw std::runtime_error("inner"); });
        EXPECT_EQ(ending([&] { s.await(); }), "inner");
    });
}

TEST(shield, keeps_a_cancel_of_the_one_who_awaits_from_the_inner_task) {
    run([] {
        auto inner = brio::create_task([] {
            brio::sleep(1s);
            return 42;
        });
        hops since;
        auto outer = brio::create_task([&] {
            const auto how = ending([&] { brio::shield(inner).await(); });
            EXPECT_EQ(since.so_far(), 1);
            return how;
        });
        turns(2);
        since.restart();
        outer.cancel("only you");
        EXPECT_EQ(outer.await(), "cancelled(only you)");
        EXPECT_FALSE(inner.done());
        EXPECT_EQ(inner.cancelling(), 0);
        EXPECT_EQ(inner.await(), 42);
    });
}

TEST(shield, is_cancelled_when_the_inner_task_is) {
    run([] {
        auto inner = brio::create_task([] { brio::sleep(1s); });
        auto s = brio::shield(inner);
        brio::yield();
        hops since;
        inner.cancel();
        EXPECT_EQ(ending([&] { s.await(); }), "cancelled");
        EXPECT_EQ(since.so_far(), 3);
        EXPECT_TRUE(s.cancelled());
    });
}

TEST(shield, that_was_cancelled_reports_a_later_failure_once) {
    run([] {
        const reports handler;
        auto inner = brio::create_task([] {
            brio::sleep(1s);
            throw std::runtime_error("too late");
        });
        for (int i = 0; i < 3; ++i) EXPECT_TRUE(brio::shield(inner).cancel());
        brio::sleep(2s);
        EXPECT_THAT(handler.told(), ElementsAre("exception in a shielded future | too late"));
        EXPECT_EQ(ending([&] { inner.await(); }), "too late");
    });
}

TEST(shield, that_times_out_again_and_again_does_not_pile_up_on_the_inner_future) {
    run([] {
        auto f = brio::create_future<void>();
        for (int i = 0; i < 100; ++i)
            EXPECT_EQ(ending([&] { brio::wait_for(brio::shield(f), 1ms); }), "timeout");
        EXPECT_LE(waiters_of(f), 1);
        f.set_result();
    });
}

TEST(shield, of_a_gather_keeps_the_children_from_a_cancel) {
    run([] {
        auto a = brio::create_future<int>();
        auto b = brio::create_future<int>();
        auto outer = brio::create_task([&] { brio::shield(brio::gather(a, b)).await(); });
        brio::yield();
        outer.cancel();
        EXPECT_EQ(ending([&] { outer.await(); }), "cancelled");
        EXPECT_FALSE(a.cancelled());
        EXPECT_FALSE(b.cancelled());
        a.set_result(1);
        b.set_result(2);
        turns(3);
    });
}

TEST(shield, in_a_gather_keeps_the_inner_task_from_a_cancel_of_the_gather) {
    run([] {
        auto inner = brio::create_task([] {
            brio::sleep(1s);
            return 1;
        });
        auto all = brio::gather(brio::shield(inner));
        brio::yield();
        EXPECT_TRUE(all.cancel());
        EXPECT_EQ(ending([&] { all.await(); }), "cancelled");
        EXPECT_EQ(inner.await(), 1);
    });
}

// ----------------------------------------------------------------------- defer_cancel, shielded

TEST(defer_cancel, keeps_a_cancel_pending_until_the_first_suspension_after) {
    run([] {
        lines seen;
        auto t = brio::create_task([&] {
            {
                const brio::defer_cancel whole;
                brio::sleep(1s);
                brio::yield();
                brio::sleep(1s);
                seen.push_back("whole at " + std::to_string(now()));
            }
            seen.push_back("outside");
            brio::sleep(1s);
            seen.push_back("never");
        });
        brio::sleep(500ms);
        EXPECT_TRUE(t.cancel("deferred"));
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled(deferred)");
        EXPECT_THAT(seen, ElementsAre("whole at 2000", "outside"));
        EXPECT_EQ(now(), 2000);
    });
}

TEST(defer_cancel, nests) {
    run([] {
        lines seen;
        auto t = brio::create_task([&] {
            {
                const brio::defer_cancel outer;
                {
                    const brio::defer_cancel inner;
                    brio::yield();
                }
                brio::yield();
                brio::sleep(1s);
                seen.push_back("still whole");
            }
            brio::yield();
            seen.push_back("never");
        });
        brio::yield();
        t.cancel();
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled");
        EXPECT_THAT(seen, ElementsAre("still whole"));
    });
}

TEST(defer_cancel, that_covers_the_end_of_the_task_still_cancels_it) {
    run([] {
        auto t = brio::create_task([] {
            const brio::defer_cancel whole;
            brio::sleep(1s);
            return 5;
        });
        brio::yield();
        t.cancel();
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled");
    });
}

TEST(defer_cancel, leaves_the_awaited_future_alone) {
    run([] {
        auto f = brio::create_future<int>();
        auto t = brio::create_task([&] {
            const brio::defer_cancel whole;
            return f.await();
        });
        brio::yield();
        t.cancel();
        EXPECT_FALSE(f.cancelled());
        f.set_result(1);
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled");
    });
}

TEST(defer_cancel, lets_a_cancel_be_taken_back) {
    run([] {
        auto t = brio::create_task([] {
            {
                const brio::defer_cancel whole;
                brio::sleep(1s);
                EXPECT_EQ(brio::current_task().uncancel(), 0);
            }
            brio::sleep(1s);
            return 5;
        });
        brio::yield();
        t.cancel();
        EXPECT_EQ(t.await(), 5);
    });
}

TEST(defer_cancel, outside_a_task_does_nothing) {
    const brio::defer_cancel nothing;
    run([] {
        bool called = false;
        brio::get_running_loop().call_soon([&] {
            const brio::defer_cancel nothing_either;
            called = true;
        });
        brio::yield();
        EXPECT_TRUE(called);
    });
}

TEST(shielded, calls_in_this_task_and_returns_what_the_call_returns) {
    run([] {
        const auto self = brio::current_task();
        EXPECT_EQ(brio::shielded([&] {
                      EXPECT_EQ(brio::current_task(), self);
                      return 3;
                  }),
                  3);
        int number = 0;
        int& same = brio::shielded([&]() -> int& { return number; });
        EXPECT_EQ(&same, &number);
    });
}

TEST(shielded, in_a_destructor_outside_unwinding_is_not_cut_short) {
    struct flush_at_end {
        ~flush_at_end() {
            brio::shielded([this] {
                brio::sleep(1s);
                seen->push_back("flushed");
            });
        }
        lines* seen;
    };
    run([] {
        lines seen;
        auto t = brio::create_task([&] {
            { const flush_at_end flush{&seen}; }
            brio::yield();
            seen.push_back("never");
        });
        brio::yield();
        t.cancel();
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled");
        EXPECT_THAT(seen, ElementsAre("flushed"));
    });
}

}  // namespace
