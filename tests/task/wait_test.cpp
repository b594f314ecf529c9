// wait and as_completed.

#include "task/story.hpp"

#include <map>

namespace {

using namespace story;

brio::task<int> sleeper(brio::delay d, int result) {
    return brio::create_task([=] {
        brio::sleep(d);
        return result;
    });
}

template <class F>
std::vector<int> results(const std::vector<F>& handles) {
    std::vector<int> all;
    for (const auto& h : handles) all.push_back(h.result());
    return all;
}

// --------------------------------------------------------------------------------------------- wait

TEST(wait, for_all_ends_two_turns_after_the_last_end) {
    run([] {
        hops since;
        std::vector<brio::task<int>> tasks{sleeper(1s, 1), brio::create_task([&] {
                                               brio::sleep(2s);
                                               since.restart();
                                               return 2;
                                           })};
        const auto [done, pending] = brio::wait(tasks);
        EXPECT_EQ(since.so_far(), 2);
        EXPECT_THAT(results(done), ElementsAre(1, 2));
        EXPECT_THAT(pending, IsEmpty());
    });
}

TEST(wait, for_the_first_ends_two_turns_after_it) {
    run([] {
        hops since;
        std::vector<brio::task<int>> tasks{sleeper(3s, 3), brio::create_task([&] {
                                               brio::sleep(1s);
                                               since.restart();
                                               return 1;
                                           })};
        const auto [done, pending] = brio::wait(tasks, {.return_when = brio::first_completed});
        EXPECT_EQ(since.so_far(), 2);
        EXPECT_THAT(done, ElementsAre(tasks[1]));
        EXPECT_THAT(pending, ElementsAre(tasks[0]));
    });
}

TEST(wait, for_the_first_also_gives_what_ends_while_it_wakes_up) {
    run([] {
        std::vector<brio::task<int>> tasks;
        tasks.push_back(brio::create_task([] { return 1; }));
        tasks.push_back(brio::create_task([] {
            brio::yield();
            return 2;
        }));
        tasks.push_back(brio::create_task([] {
            turns(2);
            return 3;
        }));
        const auto [done, pending] = brio::wait(tasks, {.return_when = brio::first_completed});
        EXPECT_THAT(results(done), ElementsAre(1, 2));
        EXPECT_EQ(pending.size(), 1U);
    });
}

TEST(wait, on_what_is_done_takes_two_turns) {
    run([] {
        auto t = sleeper(0s, 1);
        t.await();
        for (const auto rule :
             {brio::first_completed, brio::first_exception, brio::all_completed}) {
            hops since;
            const auto [done, pending] = brio::wait({t}, {.return_when = rule});
            EXPECT_EQ(since.so_far(), 2);
            EXPECT_EQ(done.size(), 1U);
            EXPECT_THAT(pending, IsEmpty());
        }
    });
}

TEST(wait, for_the_first_exception_ends_with_it_and_ignores_cancelled_children) {
    run([] {
        auto cancelled = sleeper(1h, 0);
        auto failing = brio::create_task([]() -> int {
            brio::sleep(2s);
            throw std::runtime_error("second");
        });
        auto slow = sleeper(1h, 1);
        brio::yield();
        cancelled.cancel();
        const auto [done, pending] = brio::wait(std::vector{cancelled, failing, slow},
                                                {.return_when = brio::first_exception});
        EXPECT_EQ(now(), 2000);
        EXPECT_THAT(done, ElementsAre(cancelled, failing));
        EXPECT_THAT(pending, ElementsAre(slow));
        EXPECT_EQ(ending([&] { failing.result(); }), "second");
    });
}

TEST(wait, for_the_first_exception_without_one_waits_for_all) {
    run([] {
        const auto [done, pending] = brio::wait(std::vector{sleeper(1s, 1), sleeper(2s, 2)},
                                                {.return_when = brio::first_exception});
        EXPECT_EQ(done.size(), 2U);
        EXPECT_EQ(now(), 2000);
    });
}

TEST(wait, ends_one_turn_after_its_timeout_and_throws_nothing) {
    run([] {
        std::vector<brio::task<int>> tasks{sleeper(1s, 1), sleeper(1h, 2)};
        const auto [done, pending] = brio::wait(tasks, {.timeout = 5s});
        EXPECT_EQ(now(), 5000);
        EXPECT_THAT(done, ElementsAre(tasks[0]));
        EXPECT_THAT(pending, ElementsAre(tasks[1]));
        EXPECT_FALSE(tasks[1].done());
        EXPECT_EQ(tasks[1].cancelling(), 0);
    });
}

TEST(wait, with_a_timeout_of_zero_looks_once) {
    run([] {
        auto done_already = sleeper(0s, 1);
        done_already.await();
        auto slow = sleeper(1h, 2);
        hops since;
        const auto [done, pending] = brio::wait({done_already, slow}, {.timeout = 0s});
        EXPECT_EQ(since.so_far(), 2);
        EXPECT_EQ(done.size(), 1U);
        EXPECT_EQ(pending.size(), 1U);
    });
}

TEST(wait, takes_a_handle_given_twice_once) {
    run([] {
        auto a = sleeper(1s, 1);
        auto b = sleeper(2s, 2);
        const auto [done, pending] = brio::wait(std::vector{a, b, a, a, b});
        EXPECT_THAT(done, ElementsAre(a, b));
    });
}

TEST(wait, takes_handles_of_different_types) {
    run([] {
        auto number = brio::create_task([] { return 1; });
        auto text = brio::create_task([] {
            brio::sleep(1s);
            return std::string("x");
        });
        auto f = brio::create_future<void>();
        const auto [done, pending] =
            brio::wait({text, number, f}, {.return_when = brio::first_completed});
        EXPECT_THAT(done, ElementsAre(brio::any_future(number)));
        EXPECT_EQ(pending.size(), 2U);
        f.cancel();
    });
}

TEST(wait, that_is_cancelled_leaves_the_children_alone_and_takes_one_turn) {
    run([] {
        auto child = sleeper(1h, 1);
        hops since;
        int resumed = 0;
        auto t = brio::create_task([&] {
            const auto how = ending([&] { static_cast<void>(brio::wait({child})); });
            resumed = since.so_far();
            return how;
        });
        turns(2);
        since.restart();
        t.cancel("waiter");
        EXPECT_EQ(t.await(), "cancelled(waiter)");
        EXPECT_EQ(resumed, 1);
        EXPECT_EQ(child.cancelling(), 0);
        EXPECT_TRUE(child.core().waiters().empty());
    });
}

TEST(wait, with_an_empty_handle_is_refused_and_leaves_the_others_as_they_were) {
    run([] {
        auto t = sleeper(1s, 1);
        EXPECT_THROW(static_cast<void>(brio::wait({t, brio::any_future()})), brio::usage_error);
        EXPECT_EQ(brio::wait({t}).done.size(), 1U);
    });
}

TEST(wait, for_nothing_is_refused) {
    run([] {
        EXPECT_EQ(text_of<std::invalid_argument>(
                      [] { static_cast<void>(brio::wait(std::vector<brio::task<int>>())); }),
                  "wait: there is nothing to wait for");
    });
}

TEST(wait, outside_a_task_is_refused) {
    run([] {
        auto t = sleeper(1s, 1);
        std::string text;
        brio::get_running_loop().call_soon([&] {
            text = text_of<brio::usage_error>([&] { static_cast<void>(brio::wait({t})); });
        });
        brio::yield();
        EXPECT_THAT(text, HasSubstr("wait suspends, so it must be called in a task"));
    });
}

TEST(wait, in_several_tasks_for_the_same_children) {
    run([] {
        auto child = sleeper(1s, 1);
        int ended = 0;
        std::vector<brio::task<void>> waiters;
        for (int i = 0; i < 10; ++i)
            waiters.push_back(brio::create_task([&] {
                static_cast<void>(brio::wait({child}));
                ++ended;
            }));
        brio::gather(waiters).await();
        EXPECT_EQ(ended, 10);
    });
}

TEST(wait, survives_that_a_child_ends_behind_the_deciding_one_and_is_dropped) {
    run([] {
        {
            std::vector<brio::task<int>> tasks;
            tasks.push_back(brio::create_task([]() -> int { throw std::runtime_error("one"); }));
            tasks.push_back(brio::create_task([] {
                brio::yield();
                return 2;
            }));
            const auto both = brio::wait(std::move(tasks), {.return_when = brio::first_exception});
            EXPECT_FALSE(both.done.empty());
        }
        turns(3);
    });
}

// ------------------------------------------------------------------------------------- as_completed

TEST(as_completed, gives_the_handles_in_order_of_completion) {
    run([] {
        std::map<brio::task<int>, std::string> label;
        std::vector<brio::task<int>> tasks{sleeper(3s, 3), sleeper(1s, 1), sleeper(2s, 2)};
        lines seen;
        for (auto& t : brio::as_completed(tasks))
            seen.push_back(std::to_string(t.await()) + " at " + std::to_string(now()));
        EXPECT_THAT(seen, ElementsAre("1 at 1000", "2 at 2000", "3 at 3000"));
        for (auto& t : brio::as_completed(tasks))
            EXPECT_TRUE(t == tasks[0] || t == tasks[1] || t == tasks[2]);
    });
}

TEST(as_completed, resumes_two_turns_after_a_child_ends) {
    run([] {
        hops since;
        std::vector<brio::task<void>> one{brio::create_task([&] {
            turns(3);
            since.restart();
        })};
        for (auto& t : brio::as_completed(one)) {
            EXPECT_EQ(since.so_far(), 2);
            t.await();
            EXPECT_EQ(since.so_far(), 2);
        }
        since.restart();
        for (auto& t : brio::as_completed(one)) {
            EXPECT_EQ(since.so_far(), 2);  // done already
            EXPECT_EQ(t, one[0]);
        }
    });
}

TEST(as_completed, makes_tasks_of_callables_at_once) {
    run([] {
        lines seen;
        std::vector<std::function<int()>> calls;
        for (int i : {2, 1})
            calls.emplace_back([&seen, i] {
                seen.push_back("starts " + std::to_string(i));
                brio::sleep(i * 1s);
                return i;
            });
        auto range = brio::as_completed(calls);
        brio::yield();
        EXPECT_THAT(seen, ElementsAre("starts 2", "starts 1"));
        for (auto& t : range) seen.push_back("ends " + std::to_string(t.await()));
        EXPECT_THAT(seen, ElementsAre("starts 2", "starts 1", "ends 1", "ends 2"));
    });
}

TEST(as_completed, gives_errors_with_the_handle_that_has_them) {
    run([] {
        std::vector<std::function<int()>> calls{[]() -> int { throw std::runtime_error("bad"); },
                                                [] { return 1; }};
        lines seen;
        for (auto& t : brio::as_completed(calls)) seen.push_back(ending([&] { t.await(); }));
        EXPECT_THAT(seen, ElementsAre("bad", "returned"));
    });
}

TEST(as_completed, throws_when_the_time_is_up_and_lets_the_children_run) {
    run([] {
        std::vector<brio::task<int>> tasks{sleeper(1s, 1), sleeper(9s, 9), sleeper(10s, 10)};
        lines seen;
        const auto how = ending([&] {
            for (auto& t : brio::as_completed(tasks, 5s)) seen.push_back(std::to_string(t.await()));
        });
        EXPECT_EQ(how, "timeout");
        EXPECT_EQ(now(), 5000);
        EXPECT_THAT(seen, ElementsAre("1"));
        EXPECT_EQ(tasks[1].await(), 9);
        EXPECT_TRUE(tasks[2].core().waiters().empty());
    });
}

TEST(as_completed, gives_what_was_done_before_the_time_was_up_first) {
    run([] {
        std::vector<brio::task<int>> tasks{sleeper(1s, 1), sleeper(2s, 2), sleeper(1h, 3)};
        auto range = brio::as_completed(tasks, 3s);
        brio::sleep(4s);
        lines seen;
        const auto how = ending([&] {
            for (auto& t : range) seen.push_back(std::to_string(t.await()));
        });
        EXPECT_EQ(how, "timeout");
        EXPECT_THAT(seen, ElementsAre("1", "2"));
    });
}

TEST(as_completed, forgets_the_timeout_when_all_are_done) {
    brio::testing::runner r;
    EXPECT_THROW(r.run([] {
        for (auto& t : brio::as_completed(std::vector{sleeper(1s, 1)}, 1h)) t.await();
        brio::create_future<void>().await();
    }),
                 brio::testing::deadlock_error);
    EXPECT_EQ(r.get_loop().time(), brio::time_point(1s));
}

TEST(as_completed, takes_a_handle_given_twice_once) {
    run([] {
        auto t = sleeper(1s, 1);
        int times = 0;
        for (auto& each : brio::as_completed(std::vector{t, t, t})) {
            each.await();
            ++times;
        }
        EXPECT_EQ(times, 1);
    });
}

TEST(as_completed, of_nothing_gives_nothing) {
    run([] {
        for (auto& t : brio::as_completed(std::vector<brio::task<int>>(), 1s)) FAIL() << t.await();
    });
}

TEST(as_completed, that_is_left_early_lets_the_children_run) {
    run([] {
        std::vector<brio::task<int>> tasks{sleeper(1s, 1), sleeper(2s, 2)};
        for (auto& t : brio::as_completed(tasks)) {
            EXPECT_EQ(t.await(), 1);
            break;
        }
        EXPECT_TRUE(tasks[1].core().waiters().empty());
        EXPECT_EQ(tasks[1].await(), 2);
    });
}

TEST(as_completed, that_is_cancelled_leaves_the_children_alone) {
    run([] {
        std::vector<brio::task<int>> tasks{sleeper(1h, 1)};
        auto t = brio::create_task([&] {
            for (auto& each : brio::as_completed(tasks)) each.await();
        });
        turns(2);
        t.cancel();
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled");
        EXPECT_EQ(tasks[0].cancelling(), 0);
    });
}

TEST(as_completed, may_be_awaited_in_a_task_of_another_one_that_was_moved) {
    run([] {
        std::vector<brio::task<int>> tasks{sleeper(1s, 1), sleeper(2s, 2)};
        auto range = brio::as_completed(tasks);
        auto moved = std::move(range);
        int sum = 0;
        for (auto& t : moved) sum += t.await();
        EXPECT_EQ(sum, 3);
    });
}

}  // namespace
