// Tasks: creation, names, lists, eager starts, sleep and yield.

#include "task/story.hpp"

namespace {

using namespace story;

// ---------------------------------------------------------------------------------------- creation

TEST(create_task, runs_the_callable_from_the_next_turn_on) {
    run([] {
        hops since;
        int first_step = -1;
        auto t = brio::create_task([&] { first_step = since.so_far(); });
        EXPECT_EQ(first_step, -1);
        brio::yield();
        EXPECT_EQ(first_step, 1);
        EXPECT_TRUE(t.done());
    });
}

TEST(create_task, runs_tasks_in_the_order_in_which_they_were_made) {
    run([] {
        lines seen;
        for (int i = 0; i < 5; ++i)
            brio::create_task([&, i] {
                seen.push_back("a" + std::to_string(i));
                brio::yield();
                seen.push_back("b" + std::to_string(i));
            });
        turns(3);
        EXPECT_THAT(seen, ElementsAre("a0", "a1", "a2", "a3", "a4", "b0", "b1", "b2", "b3", "b4"));
    });
}

TEST(create_task, moves_the_callable_in_and_destroys_it_before_the_task_is_done) {
    run([] {
        auto owned = std::make_unique<int>(3);
        auto counted = std::make_shared<int>();
        auto t = brio::create_task([owned = std::move(owned), counted] { return *owned; });
        EXPECT_EQ(counted.use_count(), 2);
        t.add_done_callback([&](const brio::any_future&) { EXPECT_EQ(counted.use_count(), 1); });
        EXPECT_EQ(t.await(), 3);
        EXPECT_EQ(counted.use_count(), 1);
    });
}

int plain_function() {
    return 11;
}

TEST(create_task, takes_functions_function_objects_and_bound_calls) {
    struct adder {
        int operator()() && { return n + 1; }
        int n;
    };
    run([] {
        EXPECT_EQ(brio::create_task(plain_function).await(), 11);
        EXPECT_EQ(brio::create_task(adder{1}).await(), 2);
        EXPECT_EQ(brio::create_task(std::bind([](int n) { return n; }, 7)).await(), 7);
        const auto constant = [] { return 4; };
        EXPECT_EQ(brio::create_task(constant).await(), 4);
    });
}

TEST(create_task, does_not_need_its_handle_to_be_kept) {
    run([] {
        bool done = false;
        brio::create_task([&] {
            brio::sleep(1s);
            done = true;
        });
        brio::sleep(2s);
        EXPECT_TRUE(done);
    });
}

TEST(create_task, without_a_running_loop_is_refused) {
    EXPECT_EQ(text_of<brio::usage_error>([] { brio::create_task([] {}); }),
              "create_task needs a running loop on this thread: brio::run");
    EXPECT_EQ(text_of<brio::usage_error>([] { static_cast<void>(brio::create_future<int>()); }),
              "create_future needs a running loop on this thread: brio::run");
}

TEST(create_task, in_a_callback_makes_a_task_like_any_other) {
    run([] {
        auto made = brio::create_future<brio::task<int>>();
        brio::get_running_loop().call_soon([&] {
            made.set_result(brio::create_task([] {
                brio::sleep(1s);
                return 5;
            }));
        });
        EXPECT_EQ(made.await().await(), 5);
    });
}

TEST(create_task, takes_a_stack_size) {
    run([] {
        auto t = brio::create_task(
            [] {
                volatile char large[700 * 1024];
                large[0] = 1;
                large[sizeof large - 1] = 2;
                return large[0] + large[sizeof large - 1];
            },
            {.stack_size = 1024 * 1024});
        EXPECT_EQ(t.await(), 3);
    });
}

TEST(create_task, that_gets_no_stack_leaves_no_task_behind) {
    run([] {
        EXPECT_THROW(brio::create_task([] {}, {.stack_size = std::size_t{1} << 60}),
                     std::exception);
        EXPECT_EQ(brio::all_tasks().size(), 1U);
        turns(2);
    });
}

// ------------------------------------------------------------------------------------------- names

TEST(name, counts_up_for_each_loop) {
    for (int i = 0; i < 2; ++i)
        run([] {
            EXPECT_EQ(brio::current_task().get_name(), "Task-1");
            auto t = brio::create_task([] { return brio::current_task().get_name(); });
            EXPECT_EQ(t.get_name(), "Task-2");
            EXPECT_EQ(t.await(), "Task-2");
        });
}

TEST(name, can_be_given_and_changed) {
    run([] {
        auto t =
            brio::create_task([] { return brio::current_task().get_name(); }, {.name = "given"});
        EXPECT_EQ(t.get_name(), "given");
        t.set_name("changed");
        EXPECT_EQ(t.await(), "changed");
        EXPECT_EQ(t.get_name(), "changed");
    });
}

// ------------------------------------------------------------------------- current_task, all_tasks

TEST(current_task, is_the_task_that_runs) {
    run([] {
        const auto main = brio::current_task();
        brio::any_task seen;
        auto t = brio::create_task([&] {
            seen = brio::current_task();
            brio::yield();
            EXPECT_EQ(brio::current_task(), seen);
        });
        t.await();
        EXPECT_EQ(seen, t);
        EXPECT_EQ(brio::current_task(), main);
    });
}

TEST(current_task, is_empty_in_a_callback_and_refused_without_a_loop) {
    run([] {
        bool empty = false;
        brio::get_running_loop().call_soon([&] { empty = !brio::current_task().valid(); });
        brio::yield();
        EXPECT_TRUE(empty);
    });
    EXPECT_EQ(text_of<brio::usage_error>([] { static_cast<void>(brio::current_task()); }),
              "current_task needs a running loop on this thread: brio::run");
    EXPECT_EQ(text_of<brio::usage_error>([] { static_cast<void>(brio::all_tasks()); }),
              "all_tasks needs a running loop on this thread: brio::run");
}

lines names_of_all_tasks() {
    lines names;
    for (const auto& t : brio::all_tasks()) names.push_back(t.get_name());
    return names;
}

TEST(all_tasks, are_those_that_are_not_done_in_order_of_creation) {
    run([] {
        brio::current_task().set_name("main");
        auto a = brio::create_task([] { brio::sleep(2s); }, {.name = "a"});
        auto b = brio::create_task([] { brio::sleep(1s); }, {.name = "b"});
        auto c = brio::create_task([] { brio::sleep(3s); }, {.name = "c"});
        EXPECT_THAT(names_of_all_tasks(), ElementsAre("main", "a", "b", "c"));
        b.await();
        EXPECT_THAT(names_of_all_tasks(), ElementsAre("main", "a", "c"));
        c.cancel();
        EXPECT_THAT(names_of_all_tasks(), ElementsAre("main", "a", "c"));
        a.await();
        EXPECT_THAT(names_of_all_tasks(), ElementsAre("main"));
    });
}

// ------------------------------------------------------------------------------------ eager starts

TEST(eager_start, runs_the_first_step_inside_create_task) {
    run([] {
        lines seen;
        const auto self = brio::current_task();
        auto t = brio::create_task(
            [&] {
                seen.push_back("first step");
                EXPECT_NE(brio::current_task(), self);
                brio::yield();
                seen.push_back("second step");
            },
            {.eager_start = true});
        seen.push_back("back in the creator");
        EXPECT_EQ(brio::current_task(), self);
        EXPECT_FALSE(t.done());
        t.await();
        EXPECT_THAT(seen, ElementsAre("first step", "back in the creator", "second step"));
    });
}

TEST(eager_start, that_never_suspends_is_done_at_once) {
    run([] {
        hops since;
        auto t = brio::create_task([] { return 5; }, {.eager_start = true});
        EXPECT_TRUE(t.done());
        EXPECT_EQ(t.await(), 5);
        EXPECT_EQ(since.so_far(), 0);
        auto failed =
            brio::create_task([] { throw std::runtime_error("early"); }, {.eager_start = true});
        EXPECT_EQ(ending([&] { failed.await(); }), "early");
    });
}

TEST(eager_start, nests_and_returns_to_each_creator) {
    run([] {
        lines seen;
        auto outer = brio::create_task(
            [&] {
                seen.push_back("outer");
                auto inner = brio::create_task(
                    [&] {
                        seen.push_back("inner");
                        auto innermost = brio::create_task(
                            [&] {
                                seen.push_back("innermost");
                                brio::sleep(1s);
                                seen.push_back("innermost again");
                            },
                            {.eager_start = true});
                        seen.push_back("inner after");
                        brio::yield();
                        seen.push_back("inner again");
                    },
                    {.eager_start = true});
                seen.push_back("outer after");
                inner.await();
                seen.push_back("outer again");
            },
            {.eager_start = true});
        seen.push_back("main");
        brio::sleep(2s);
        EXPECT_THAT(seen, ElementsAre("outer", "inner", "innermost", "inner after", "outer after",
                                      "main", "inner again", "outer again", "innermost again"));
    });
}

TEST(eager_start, in_a_callback_returns_to_the_callback) {
    run([] {
        lines seen;
        brio::get_running_loop().call_soon([&] {
            brio::create_task(
                [&] {
                    seen.push_back("task " + brio::current_task().get_name());
                    brio::yield();
                    seen.push_back("task again");
                },
                {.name = "eager", .eager_start = true});
            seen.push_back(brio::current_task().valid() ? "in a task" : "callback");
        });
        turns(3);
        EXPECT_THAT(seen, ElementsAre("task eager", "callback", "task again"));
    });
}

TEST(eager_start, lists_the_task_behind_what_its_first_step_made) {
    run([] {
        brio::current_task().set_name("main");
        auto e = brio::create_task(
            [] {
                EXPECT_THAT(names_of_all_tasks(), ElementsAre("main", "eager"));
                brio::create_task([] { brio::sleep(1s); }, {.name = "child"});
                brio::sleep(1s);
            },
            {.name = "eager", .eager_start = true});
        EXPECT_THAT(names_of_all_tasks(), ElementsAre("main", "child", "eager"));
        e.await();
    });
}

TEST(eager_start, is_ignored_before_the_loop_runs) {
    brio::testing::runner r({.eager_tasks = true});
    bool started = false;
    auto t = r.get_loop().create_task([&] { started = true; }, {.eager_start = true});
    EXPECT_FALSE(started);
    r.run([&] { t.await(); });
    EXPECT_TRUE(started);
}

TEST(eager_start, can_be_the_default_of_a_loop) {
    run(
        [] {
            EXPECT_TRUE(brio::create_task([] {}).done());
            EXPECT_FALSE(brio::create_task([] {}, {.eager_start = false}).done());
            // gather of what has ended eagerly is done at once.
            hops since;
            const auto [a, b] = brio::gather([] { return 1; }, [] { return 2; }).await();
            EXPECT_EQ(a + b, 3);
            EXPECT_EQ(since.so_far(), 0);
        },
        {.eager_tasks = true});
}

TEST(eager_start, can_be_cancelled_once_it_has_suspended) {
    run([] {
        auto t = brio::create_task([] { brio::sleep(1s); }, {.eager_start = true});
        hops since;
        t.cancel();
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled");
        EXPECT_EQ(since.so_far(), 2);
    });
}

TEST(eager_start, may_cancel_itself_in_its_first_step) {
    run([] {
        auto t = brio::create_task(
            [] {
                brio::current_task().cancel();
                brio::yield();
            },
            {.eager_start = true});
        EXPECT_FALSE(t.done());
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled");
    });
}

TEST(eager_start, that_wakes_its_creator_s_future_lets_the_creator_go_on) {
    run([] {
        auto f = brio::create_future<int>();
        brio::create_task([&] { f.set_result(1); }, {.eager_start = true});
        hops since;
        EXPECT_EQ(f.await(), 1);
        EXPECT_EQ(since.so_far(), 0);
    });
}

// ----------------------------------------------------------------------------------- sleep and yield

TEST(sleep, takes_its_time_and_resumes_one_turn_after_the_timer) {
    run([] {
        brio::sleep(1500ms);
        EXPECT_EQ(now(), 1500);
        const auto before = turn();
        brio::sleep(1s);
        // One turn to suspend and jump, one for the timer's own entry, one to resume.
        EXPECT_EQ(turn() - before, 2U);
    });
}

TEST(sleep, orders_wake_ups_by_time_and_ties_by_arming) {
    run([] {
        lines seen;
        const auto sleeper = [&](const char* name, brio::delay each, int times) {
            return [&seen, name, each, times] {
                for (int i = 0; i < times; ++i) {
                    brio::sleep(each);
                    seen.push_back(name + std::to_string(i) + " at " + std::to_string(now()));
                }
            };
        };
        auto a = brio::create_task(sleeper("A", 1s, 3));
        auto b = brio::create_task(sleeper("B", 1500ms, 3));
        a.await();
        b.await();
        EXPECT_THAT(seen, ElementsAre("A0 at 1000", "B0 at 1500", "A1 at 2000", "B1 at 3000",
                                      "A2 at 3000", "B2 at 4500"));
    });
}

TEST(sleep, of_zero_or_less_lets_everybody_who_is_ready_run_once) {
    run([] {
        for (const auto d : {0ms, -5ms}) {
            lines seen;
            brio::create_task([&] { seen.push_back("other"); });
            hops since;
            brio::sleep(d);
            EXPECT_EQ(since.so_far(), 1);
            EXPECT_THAT(seen, ElementsAre("other"));
        }
        EXPECT_EQ(now(), 0);
    });
}

TEST(sleep, returns_the_result_it_was_given) {
    run([] {
        EXPECT_EQ(brio::sleep(1s, 7), 7);
        EXPECT_EQ(*brio::sleep(1s, std::make_unique<int>(8)), 8);
    });
}

TEST(sleep, of_none_sleeps_until_cancelled) {
    run([] {
        auto t = brio::create_task([] { brio::sleep(std::nullopt); });
        brio::sleep(1h);
        EXPECT_FALSE(t.done());
        t.cancel();
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled");
    });
}

TEST(sleep, of_more_than_the_clock_can_hold_saturates) {
    run([] {
        auto t = brio::create_task([] { brio::sleep(std::chrono::hours::max()); });
        auto u = brio::create_task([] { brio::sleep(1e300s); });
        brio::sleep(1h);
        EXPECT_FALSE(t.done());
        EXPECT_FALSE(u.done());
    });
}

TEST(sleep, of_a_fraction_is_rounded_up_and_never_short) {
    run([] {
        brio::sleep(0.5s);
        EXPECT_EQ(now(), 500);
        const auto before = brio::clock::now();
        brio::sleep(std::chrono::duration<double, std::nano>(0.25));
        EXPECT_EQ((brio::clock::now() - before).count(), 1);
    });
}

TEST(sleep, of_not_a_number_is_refused) {
    EXPECT_EQ(
        text_of<std::invalid_argument>([] {
            brio::sleep(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN()));
        }),
        "delay: not a number");
}

TEST(sleep, outside_a_task_is_refused) {
    EXPECT_EQ(text_of<brio::usage_error>([] { brio::sleep(1s); }),
              "sleep suspends, so it must be called in a task: start it with brio::run or "
              "brio::create_task");
    EXPECT_EQ(text_of<brio::usage_error>([] { brio::yield(); }),
              "yield suspends, so it must be called in a task: start it with brio::run or "
              "brio::create_task");
}

TEST(sleep, cancelled_in_the_turn_of_its_timer_behind_the_timer_is_still_cancelled) {
    run([] {
        auto sleeper = brio::create_task([] { brio::sleep(1s); });
        brio::yield();
        // Armed later for the same time: runs behind the sleeper's timer, before it resumes.
        brio::get_running_loop().call_later(1s, [&] { sleeper.cancel("late"); });
        EXPECT_EQ(ending([&] { sleeper.await(); }), "cancelled(late)");
    });
}

TEST(sleep, cancelled_in_the_turn_of_its_timer_before_the_timer_is_cancelled) {
    run([] {
        brio::task<void> sleeper;
        brio::get_running_loop().call_later(1s, [&] { sleeper.cancel("just in time"); });
        sleeper = brio::create_task([] { brio::sleep(1s); });
        EXPECT_EQ(ending([&] { sleeper.await(); }), "cancelled(just in time)");
    });
}

TEST(yield, alone_goes_on_in_the_next_turn) {
    run([] {
        hops since;
        for (int i = 0; i < 1000; ++i) brio::yield();
        EXPECT_EQ(since.so_far(), 1000);
    });
}

TEST(yield, lets_callbacks_and_tasks_run_in_order) {
    run([] {
        lines seen;
        auto& loop = brio::get_running_loop();
        brio::create_task([&] { seen.push_back("task"); });
        loop.call_soon([&] { seen.push_back("callback"); });
        brio::create_task([&] { seen.push_back("second task"); });
        brio::yield();
        EXPECT_THAT(seen, ElementsAre("task", "callback", "second task"));
    });
}

TEST(current_task, is_none_where_the_result_of_a_detached_task_is_destroyed) {
    struct asks_at_the_end {
        explicit asks_at_the_end(std::vector<bool>& a) : answers(&a) {}
        asks_at_the_end(const asks_at_the_end&) = delete;
        asks_at_the_end& operator=(const asks_at_the_end&) = delete;
        ~asks_at_the_end() {
            if (answers->size() < 10) answers->push_back(brio::current_task().valid());
        }
        std::vector<bool>* answers;
    };
    run([] {
        std::vector<bool> answers;
        brio::create_task([&] { return asks_at_the_end(answers); });
        brio::yield();
        EXPECT_THAT(answers, ElementsAre(false));
    });
}

}  // namespace
