// Cancelling tasks: one test for each state in which a task can be, the count, the message.

#include "task/story.hpp"

namespace {

using namespace story;

// ------------------------------------------------------------------------------------- the states

TEST(cancel, before_the_first_step_keeps_the_body_from_running) {
    run([] {
        bool called = false;
        auto token = std::make_shared<int>();
        auto t = brio::create_task([&called, token] { called = true; });
        EXPECT_EQ(token.use_count(), 2);
        hops since;
        EXPECT_TRUE(t.cancel("too early"));
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled(too early)");
        EXPECT_EQ(since.so_far(), 2);
        EXPECT_FALSE(called);
        EXPECT_EQ(token.use_count(), 1);
        EXPECT_TRUE(t.cancelled());
    });
}

TEST(cancel, of_oneself_is_thrown_at_the_next_suspension_on_a_future_which_is_cancelled) {
    run([] {
        auto f = brio::create_future<void>();
        auto t = brio::create_task([&] {
            brio::current_task().cancel("self");
            hops since;
            const auto how = ending([&] { f.await(); });
            EXPECT_EQ(since.so_far(), 1);
            EXPECT_TRUE(f.cancelled());
            return how;
        });
        EXPECT_EQ(t.await(), "cancelled(self)");
        EXPECT_EQ(t.cancelling(), 1);
    });
}

TEST(cancel, of_oneself_is_thrown_at_the_next_yield) {
    run([] {
        auto t = brio::create_task([] {
            brio::current_task().cancel();
            hops since;
            const auto how = ending([] { brio::yield(); });
            EXPECT_EQ(since.so_far(), 1);
            brio::yield();
            return how;
        });
        EXPECT_EQ(t.await(), "cancelled");
    });
}

TEST(cancel, of_oneself_is_not_delivered_by_an_await_of_something_done) {
    run([] {
        auto done = brio::create_future<int>();
        done.set_result(3);
        auto t = brio::create_task([&] {
            brio::current_task().cancel();
            EXPECT_EQ(done.await(), 3);
            return ending([] { brio::sleep(1s); });
        });
        EXPECT_EQ(t.await(), "cancelled");
        EXPECT_EQ(now(), 0);
    });
}

TEST(cancel, of_oneself_right_before_the_end_loses_the_result) {
    run([] {
        auto counted = std::make_shared<int>();
        auto t = brio::create_task([counted] {
            brio::current_task().cancel("at the end");
            return counted;
        });
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled(at the end)");
        EXPECT_EQ(ending([&] { t.result(); }), "cancelled(at the end)");
        EXPECT_TRUE(t.cancelled());
        EXPECT_EQ(counted.use_count(), 1);
    });
}

TEST(cancel, of_oneself_right_before_an_error_leaves_the_error) {
    run([] {
        auto t = brio::create_task([] {
            brio::current_task().cancel();
            throw std::runtime_error("wins");
        });
        EXPECT_EQ(ending([&] { t.await(); }), "wins");
        EXPECT_FALSE(t.cancelled());
    });
}

TEST(cancel, of_a_task_that_yields_is_thrown_when_its_turn_comes) {
    run([] {
        lines seen;
        auto t = brio::create_task([&] {
            const auto how = ending([] { brio::yield(); });
            seen.push_back(how);
        });
        brio::yield();
        hops since;
        EXPECT_TRUE(t.cancel("while ready"));
        t.await();
        EXPECT_EQ(since.so_far(), 2);
        EXPECT_THAT(seen, ElementsAre("cancelled(while ready)"));
    });
}

TEST(cancel, when_the_awaited_future_is_done_loses_its_result_to_this_task_only) {
    run([] {
        auto f = brio::create_future<int>();
        auto t = brio::create_task([&] { return f.await(); });
        auto other = brio::create_task([&] { return f.await(); });
        turns(1);
        f.set_result(9);
        EXPECT_TRUE(t.cancel("x"));
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled(x)");
        EXPECT_EQ(ending([&] { t.result(); }), "cancelled");
        EXPECT_EQ(other.await(), 9);
        EXPECT_EQ(f.result(), 9);
    });
}

TEST(cancel, when_the_awaited_future_is_cancelled_already_is_used_up_by_that) {
    run([] {
        auto f = brio::create_future<void>();
        lines seen;
        auto t = brio::create_task([&] {
            seen.push_back(ending([&] { f.await(); }));
            seen.push_back(ending([] { brio::yield(); }));
        });
        brio::yield();
        f.cancel("the future's");
        t.cancel("the task's");
        t.await();
        EXPECT_THAT(seen, ElementsAre("cancelled(the future's)", "returned"));
        EXPECT_EQ(t.cancelling(), 1);
    });
}

TEST(cancel, of_a_task_that_awaits_a_future_cancels_the_future_for_everybody) {
    run([] {
        auto f = brio::create_future<void>();
        lines seen;
        const auto wait_for_it = [&] { seen.push_back(ending([&] { f.await(); })); };
        auto a = brio::create_task(wait_for_it);
        auto b = brio::create_task(wait_for_it);
        brio::yield();
        hops since;
        EXPECT_TRUE(a.cancel("all of you"));
        EXPECT_TRUE(f.cancelled());
        brio::gather(a, b).await();
        EXPECT_EQ(since.so_far(), 3);
        EXPECT_THAT(seen, ElementsAre("cancelled(all of you)", "cancelled(all of you)"));
        EXPECT_EQ(a.cancelling(), 1);
        EXPECT_EQ(b.cancelling(), 0);
    });
}

TEST(cancel, of_a_task_that_sleeps_ends_the_sleep) {
    run([] {
        auto t = brio::create_task([] { brio::sleep(1h); });
        brio::yield();
        hops since;
        t.cancel();
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled");
        EXPECT_EQ(since.so_far(), 2);
        EXPECT_EQ(now(), 0);
    });
}

TEST(cancel, goes_down_a_chain_of_tasks_and_comes_back_one_turn_a_level) {
    run([] {
        lines seen;
        hops since;
        const auto note = [&](const std::string& who, auto&& body) {
            const std::string how = ending(body);
            seen.push_back(who + " " + how + " after " + std::to_string(since.so_far()));
        };
        auto f = brio::create_future<void>();
        auto t1 = brio::create_task([&] {
            note("t1", [&] { f.await(); });
            throw brio::cancelled_error();
        });
        auto t2 = brio::create_task([&] {
            note("t2", [&] { t1.await(); });
            throw brio::cancelled_error();
        });
        auto t3 = brio::create_task([&] { note("t3", [&] { t2.await(); }); });
        turns(1);
        since.restart();
        EXPECT_TRUE(t3.cancel("down"));
        t3.await();
        EXPECT_THAT(seen, ElementsAre("t1 cancelled(down) after 1", "t2 cancelled after 2",
                                      "t3 cancelled after 3"));
        EXPECT_EQ(t1.cancelling(), 1);
        EXPECT_EQ(t2.cancelling(), 1);
        EXPECT_EQ(t3.cancelling(), 1);
    });
}

TEST(cancel, swallowed_by_the_awaited_task_gives_its_value_to_the_parent) {
    run([] {
        auto child = brio::create_task([] {
            try {
                brio::sleep(1s);
            } catch (const brio::cancelled_error&) {
            }
            return 5;
        });
        auto parent = brio::create_task([&] { return child.await(); });
        turns(1);
        EXPECT_TRUE(parent.cancel());
        EXPECT_EQ(parent.await(), 5);
        EXPECT_EQ(parent.cancelling(), 1);
        EXPECT_EQ(child.cancelling(), 1);
    });
}

TEST(cancel, waits_for_the_clean_up_of_the_awaited_task) {
    run([] {
        auto child = brio::create_task([] {
            try {
                brio::sleep(1h);
            } catch (const brio::cancelled_error&) {
                brio::sleep(2s);
                throw;
            }
        });
        auto parent = brio::create_task([&] { child.await(); });
        turns(1);
        parent.cancel();
        EXPECT_EQ(ending([&] { parent.await(); }), "cancelled");
        EXPECT_EQ(now(), 2000);
    });
}

TEST(cancel, of_what_is_done_is_refused_and_not_counted) {
    run([] {
        auto t = brio::create_task([] { return 1; });
        t.await();
        EXPECT_FALSE(t.cancel());
        EXPECT_EQ(t.cancelling(), 0);
        EXPECT_EQ(t.result(), 1);
        auto f = brio::create_future<int>();
        EXPECT_TRUE(f.cancel());
        EXPECT_FALSE(f.cancel());
        EXPECT_TRUE(f.cancelled());
    });
}

TEST(cancel, twice_in_a_turn_counts_two_and_throws_once_with_the_first_message) {
    run([] {
        auto f = brio::create_future<void>();
        lines seen;
        auto t = brio::create_task([&] {
            seen.push_back(ending([&] { f.await(); }));
            seen.push_back(ending([] { brio::yield(); }));
        });
        brio::yield();
        EXPECT_TRUE(t.cancel("first"));
        EXPECT_TRUE(t.cancel("second"));
        EXPECT_EQ(t.cancelling(), 2);
        t.await();
        EXPECT_THAT(seen, ElementsAre("cancelled(first)", "returned"));
    });
}

TEST(cancel, twice_in_a_turn_counts_two_for_the_awaited_task_as_well) {
    run([] {
        auto child = brio::create_task([] { brio::sleep(1s); });
        auto parent = brio::create_task([&] { child.await(); });
        turns(1);
        parent.cancel();
        parent.cancel();
        EXPECT_EQ(parent.cancelling(), 2);
        EXPECT_EQ(child.cancelling(), 2);
        EXPECT_EQ(ending([&] { parent.await(); }), "cancelled");
    });
}

TEST(cancel, in_later_turns_is_thrown_again) {
    run([] {
        lines seen;
        auto t = brio::create_task([&] {
            for (int i = 0; i < 3; ++i) seen.push_back(ending([] { brio::sleep(1s); }));
        });
        for (const char* message : {"one", "two", "three"}) {
            turns(2);
            t.cancel(message);
        }
        t.await();
        EXPECT_THAT(seen, ElementsAre("cancelled(one)", "cancelled(two)", "cancelled(three)"));
        EXPECT_EQ(t.cancelling(), 3);
        EXPECT_FALSE(t.cancelled());
    });
}

TEST(cancel, that_is_swallowed_lets_the_task_return) {
    run([] {
        auto t = brio::create_task([] {
            try {
                brio::sleep(1s);
            } catch (const brio::cancelled_error&) {
                return 42;
            }
            return 0;
        });
        brio::yield();
        t.cancel();
        EXPECT_EQ(t.await(), 42);
        EXPECT_FALSE(t.cancelled());
    });
}

TEST(cancel, that_is_answered_with_another_error_leaves_that_error) {
    run([] {
        auto t = brio::create_task([] {
            try {
                brio::sleep(1s);
            } catch (const brio::cancelled_error&) {
                throw std::runtime_error("instead");
            }
        });
        brio::yield();
        t.cancel();
        EXPECT_EQ(ending([&] { t.await(); }), "instead");
        EXPECT_FALSE(t.cancelled());
    });
}

// ------------------------------------------------------------------------- cancelled without cancel

TEST(cancelled_error_thrown_by_the_body, cancels_its_task_and_keeps_its_message_once) {
    run([] {
        auto t = brio::create_task([] { throw brio::cancelled_error("own"); });
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled(own)");
        EXPECT_TRUE(t.cancelled());
        EXPECT_EQ(t.cancelling(), 0);
        // The error that ended the task is given to the first who asks.
        EXPECT_EQ(ending([&] { t.result(); }), "cancelled");
        EXPECT_EQ(ending([&] { static_cast<void>(t.exception()); }), "cancelled");
    });
}

TEST(cancelled_error_of_a_future, has_its_message_for_everybody) {
    run([] {
        auto f = brio::create_future<int>();
        f.cancel("m");
        EXPECT_EQ(ending([&] { f.result(); }), "cancelled(m)");
        EXPECT_EQ(ending([&] { f.await(); }), "cancelled(m)");
        EXPECT_EQ(ending([&] { static_cast<void>(f.exception()); }), "cancelled(m)");
    });
}

TEST(cancelled_error_of_a_task, has_its_message_for_the_first_of_two_waiters) {
    run([] {
        auto inner = brio::create_task([] { brio::sleep(1s); });
        lines seen;
        const auto waiter = [&] { seen.push_back(ending([&] { inner.await(); })); };
        auto a = brio::create_task(waiter);
        auto b = brio::create_task(waiter);
        turns(2);
        inner.cancel("shared");
        brio::gather(a, b).await();
        EXPECT_THAT(seen, ElementsAre("cancelled(shared)", "cancelled"));
        EXPECT_EQ(a.cancelling(), 0);
    });
}

TEST(cancelled_error_set_as_an_exception, cancels_who_awaits_but_not_the_future) {
    run([] {
        auto f = brio::create_future<void>();
        auto t = brio::create_task([&] { f.await(); });
        brio::yield();
        f.set_exception(brio::cancelled_error("set"));
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled(set)");
        EXPECT_TRUE(t.cancelled());
        EXPECT_FALSE(f.cancelled());
    });
}

TEST(cancelled_error_set_as_an_exception, stands_for_a_cancel_of_the_same_turn_too) {
    run([] {
        auto f = brio::create_future<void>();
        lines seen;
        auto t = brio::create_task([&] {
            seen.push_back(ending([&] { f.await(); }));
            seen.push_back(ending([] { brio::yield(); }));
        });
        brio::yield();
        f.set_exception(brio::cancelled_error("set"));
        t.cancel("asked");
        t.await();
        EXPECT_THAT(seen, ElementsAre("cancelled(set)", "returned"));
    });
}

TEST(cancelled_error, is_not_a_standard_exception) {
    static_assert(!std::is_base_of_v<std::exception, brio::cancelled_error>);
    run([] {
        bool swallowed = false;
        auto t = brio::create_task([&] {
            try {
                brio::sleep(1s);
            } catch (const std::exception&) {
                swallowed = true;
            }
        });
        brio::yield();
        t.cancel();
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled");
        EXPECT_FALSE(swallowed);
    });
}

TEST(cancelled_error, tells_no_message_from_an_empty_one) {
    EXPECT_EQ(brio::cancelled_error().message(), std::nullopt);
    EXPECT_EQ(brio::cancelled_error("").message(), "");
    EXPECT_STREQ(brio::cancelled_error().what(), "");
    EXPECT_STREQ(brio::cancelled_error("why").what(), "why");
    run([] {
        auto f = brio::create_future<void>();
        f.cancel("");
        EXPECT_EQ(ending([&] { f.await(); }), "cancelled()");
    });
}

// --------------------------------------------------------------------------------------- uncancel

TEST(uncancel, takes_one_request_back_and_never_goes_below_zero) {
    run([] {
        const auto self = brio::current_task();
        const brio::defer_cancel quiet;
        self.cancel();
        self.cancel();
        EXPECT_EQ(self.cancelling(), 2);
        EXPECT_EQ(self.uncancel(), 1);
        EXPECT_EQ(self.uncancel(), 0);
        EXPECT_EQ(self.uncancel(), 0);
    });
}

TEST(uncancel, to_zero_withdraws_a_request_that_nothing_has_delivered) {
    run([] {
        const auto self = brio::current_task();
        self.cancel();
        EXPECT_EQ(self.uncancel(), 0);
        brio::yield();
        brio::sleep(1s);
    });
}

TEST(uncancel, to_one_leaves_the_request) {
    run([] {
        const auto self = brio::current_task();
        self.cancel();
        self.cancel();
        EXPECT_EQ(self.uncancel(), 1);
        EXPECT_EQ(ending([] { brio::yield(); }), "cancelled");
        self.uncancel();
    });
}

TEST(uncancel, before_the_first_step_lets_the_body_run) {
    run([] {
        auto t = brio::create_task([] { return 6; });
        t.cancel();
        EXPECT_EQ(t.uncancel(), 0);
        EXPECT_EQ(t.await(), 6);
    });
}

TEST(uncancel, does_not_undo_what_was_delivered) {
    run([] {
        auto f = brio::create_future<void>();
        auto t = brio::create_task([&] { f.await(); });
        brio::yield();
        t.cancel();
        EXPECT_EQ(t.uncancel(), 0);
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled");
    });
}

TEST(uncancel, makes_a_structured_block_out_of_cancel) {
    // The idiom of asyncio's own documentation: who cancels takes it back, and rethrows otherwise.
    run([] {
        const auto self = brio::current_task();
        lines seen;
        const auto block = [&](int cancels_from_outside) {
            const int before = self.cancelling();
            self.cancel();
            for (int i = 0; i < cancels_from_outside; ++i) self.cancel();
            try {
                brio::sleep(1s);
            } catch (const brio::cancelled_error&) {
                if (self.uncancel() > before) throw;
                seen.push_back("mine");
            }
        };
        block(0);
        EXPECT_EQ(ending([&] { block(1); }), "cancelled");
        EXPECT_EQ(self.uncancel(), 0);
        EXPECT_THAT(seen, ElementsAre("mine"));
    });
}

// ------------------------------------------------------------------------------------ deep chains

TEST(cancel, of_the_outermost_of_10000_tasks_that_await_one_another_reaches_the_innermost) {
    constexpr int depth = 10'000;
    run([] {
        auto last = brio::create_task([] { brio::sleep(std::nullopt); });
        std::vector<brio::task<void>> chain{last};
        for (int i = 1; i < depth; ++i)
            chain.push_back(brio::create_task([inner = chain.back()] { inner.await(); }));
        turns(1);
        hops since;
        EXPECT_TRUE(chain.back().cancel());
        EXPECT_EQ(ending([&] { chain.back().await(); }), "cancelled");
        EXPECT_EQ(since.so_far(), depth + 1);
        for (const auto& t : chain) {
            EXPECT_TRUE(t.cancelled());
            EXPECT_EQ(t.cancelling(), 1);
        }
    });
}

TEST(cancel, goes_down_a_chain_of_10000_gathers) {
    constexpr int depth = 10'000;
    run([] {
        auto last = brio::create_task([] { brio::sleep(std::nullopt); });
        std::vector<brio::task<void>> chain{last};
        for (int i = 1; i < depth; ++i)
            chain.push_back(
                brio::create_task([inner = chain.back()] { brio::gather(inner).await(); }));
        turns(1);
        EXPECT_TRUE(chain.back().cancel());
        EXPECT_EQ(ending([&] { chain.back().await(); }), "cancelled");
        for (const auto& t : chain) {
            EXPECT_TRUE(t.cancelled());
            EXPECT_EQ(t.cancelling(), 1);
        }
    });
}

// ---------------------------------------------------------------------------------------- circles
//
// CPython: a RecursionError out of cancel().

constexpr auto nothing_ends_a =
    "cancel: the task 'a' waits for itself, by way of what it awaits: no cancel can end that";

/// For tasks that never end: their frames leak, and the loop says that it closes with them.
class endless {
public:
    endless() {
        r.get_loop().set_exception_handler([told = told_](const brio::exception_report& report) {
            told->emplace_back(report.message);
        });
    }
    [[nodiscard]] const lines& told() const { return *told_; }

private:
    leaks allowed_;
    std::shared_ptr<lines> told_ = std::make_shared<lines>();

public:
    brio::testing::runner r;
};

constexpr auto still_pending =
    "the loop closes, and this task is still pending: its stack is not unwound";

TEST(cancel, of_a_task_that_awaits_a_gather_of_itself_is_an_error) {
    endless loop;
    brio::task<void> a;
    loop.r.run([&] {
        a = brio::create_task([&] { brio::gather(a).await(); }, {.name = "a"});
        turns(2);
        EXPECT_EQ(text_of<brio::usage_error>([&] { a.cancel(); }), nothing_ends_a);
        turns(5);
        EXPECT_FALSE(a.done());
    });
    EXPECT_EQ(text_of<brio::usage_error>([&] { loop.r.close(); }), nothing_ends_a);
    EXPECT_THAT(loop.told(), ElementsAre(still_pending));
}

TEST(cancel, of_a_gather_that_one_of_its_children_awaits_is_an_error) {
    endless loop;
    loop.r.run([&] {
        brio::future<void> both;
        brio::task<void> a = brio::create_task([&] { both.await(); }, {.name = "a"});
        both = brio::gather(a);
        turns(2);
        EXPECT_EQ(text_of<brio::usage_error>([&] { both.cancel(); }), nothing_ends_a);
    });
    EXPECT_THROW(loop.r.close(), brio::usage_error);
}

TEST(cancel, in_a_circle_still_asks_the_children_outside_it) {
    for (const bool other_first : {true, false}) {
        run([&] {
            brio::task<void> a;
            auto other = brio::create_task([] { brio::sleep(1h); });
            a = brio::create_task(
                [&] {
                    other_first ? brio::gather(other, a).await() : brio::gather(a, other).await();
                },
                {.name = "a"});
            turns(2);
            EXPECT_EQ(text_of<brio::usage_error>([&] { a.cancel(); }), nothing_ends_a);
            EXPECT_EQ(ending([&] { other.await(); }), "cancelled");
            // Which ends the gather, and so the circle.
            EXPECT_EQ(ending([&] { a.await(); }), "cancelled");
        });
    }
}

TEST(cancel, of_tasks_that_await_gathers_of_one_another_is_an_error) {
    endless loop;
    loop.r.run([&] {
        brio::task<void> a, b;
        a = brio::create_task(
            [&] { static_cast<void>(brio::gather(brio::return_exceptions, b).await()); },
            {.name = "a"});
        b = brio::create_task([&] { brio::gather(brio::gather(a)).await(); });
        turns(2);
        EXPECT_EQ(text_of<brio::usage_error>([&] { a.cancel(); }), nothing_ends_a);
        EXPECT_EQ(a.cancelling(), 1);
        EXPECT_EQ(b.cancelling(), 1);
    });
    EXPECT_THROW(loop.r.close(), brio::usage_error);
}

TEST(cancel, of_tasks_that_await_one_another_in_a_circle_is_an_error) {
    endless loop;
    brio::task<void> a, b;
    EXPECT_THROW(loop.r.run([&] {
        a = brio::create_task([&] { b.await(); }, {.name = "a"});
        b = brio::create_task([&] { a.await(); }, {.name = "b"});
        a.await();
    }),
                 brio::testing::deadlock_error);
    EXPECT_THAT(text_of<brio::usage_error>([&] { loop.r.close(); }), HasSubstr("waits for itself"));
    EXPECT_EQ(loop.told().size(), 3U);
    EXPECT_GT(a.cancelling(), 0);
    EXPECT_GT(b.cancelling(), 0);
}

TEST(cancel, of_what_is_left_ends_the_others_beside_a_circle) {
    endless loop;
    brio::task<void> b;
    loop.r.run([&] {
        static brio::task<void> a;
        a = brio::create_task([] { brio::gather(a).await(); });
        b = brio::create_task([] { brio::sleep(1h); });
        turns(2);
    });
    EXPECT_THROW(loop.r.close(), brio::usage_error);
    EXPECT_TRUE(b.cancelled());
}

TEST(cancel, of_oneself_before_a_gather_of_oneself_stays_pending) {
    endless loop;
    loop.r.run([&] {
        brio::task<void> a;
        a = brio::create_task(
            [&] {
                brio::current_task().cancel();
                brio::gather(a).await();
            },
            {.name = "a"});
        turns(3);
        EXPECT_FALSE(a.done());
        EXPECT_EQ(text_of<brio::usage_error>([&] { a.cancel(); }), nothing_ends_a);
    });
    EXPECT_THROW(loop.r.close(), brio::usage_error);
}

/// And the gather that nobody awaits any more has an error that nobody sees.
const auto cut_once = ElementsAre(
    HasSubstr("a task that was to be cancelled waits for itself: its wait is cut short"),
    HasSubstr("a future's exception was never retrieved | cancelled"));

TEST(cancel, by_a_task_group_of_a_child_in_a_circle_is_reported_and_ends_the_child) {
    run([] {
        const reports handler;
        static brio::any_task a;
        EXPECT_EQ(ending([] {
                      brio::task_group([](brio::task_group_scope& group) {
                          a = group.create_task([] { brio::gather(a).await(); });
                          group.create_task([] {
                              turns(2);
                              throw std::runtime_error("sibling");
                          });
                      });
                  }),
                  "unhandled errors in a task group\n"
                  "  std::runtime_error: sibling");
        EXPECT_TRUE(a.cancelled());
        EXPECT_THAT(handler.told(), cut_once);
        a = {};
    });
}

TEST(cancel, by_a_task_group_of_all_children_in_a_circle_cuts_it_once) {
    run([] {
        const reports handler;
        static brio::any_task a, b, c;
        auto whole = brio::create_task([] {
            brio::task_group([](brio::task_group_scope& group) {
                a = group.create_task([] { b.await(); });
                b = group.create_task([] { brio::gather(a, c).await(); });
                c = group.create_task([] { a.await(); });
            });
        });
        turns(3);
        whole.cancel();
        EXPECT_EQ(ending([&] { whole.await(); }), "cancelled");
        EXPECT_TRUE(a.cancelled() && b.cancelled() && c.cancelled());
        EXPECT_THAT(handler.told(), cut_once);
        a = b = c = {};
    });
}

TEST(cancel, at_the_end_of_a_run_ends_a_task_group_whose_child_is_in_a_circle) {
    brio::runner r;
    static brio::any_task a;
    brio::task<void> whole;
    r.run([&] {
        brio::get_running_loop().set_exception_handler([](const brio::exception_report&) {});
        whole = brio::create_task([] {
            brio::task_group([](brio::task_group_scope& group) {
                a = group.create_task([] { brio::gather(a).await(); });
            });
        });
        turns(3);
    });
    EXPECT_THAT(text_of<brio::usage_error>([&] { r.close(); }), HasSubstr("waits for itself"));
    EXPECT_TRUE(whole.cancelled());
    EXPECT_TRUE(a.cancelled());
    a = {};
}

TEST(cancel, by_a_timeout_that_breaks_a_circle_is_still_a_timeout) {
    run([] {
        const reports handler;
        brio::task<std::string> a;
        auto other = brio::create_task([] { brio::sleep(1h); });
        a = brio::create_task([&] {
            return ending([&] { brio::timeout(1s, [&] { brio::gather(a, other).await(); }); });
        });
        EXPECT_EQ(a.await(), "timeout");
        EXPECT_EQ(handler.told().size(), 1U);
    });
}

}  // namespace
