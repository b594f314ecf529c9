// gather: results in argument order, the first error, cancelling, outcomes.

#include "task/story.hpp"

#include <span>

namespace {

using namespace story;

TEST(gather, gives_a_tuple_in_argument_order) {
    run([] {
        auto slow = [] {
            brio::sleep(2s);
            return 10;
        };
        auto fast = brio::create_task([] { return std::string("hello"); });
        auto nothing = [] {};
        auto owned = brio::create_task([] { return std::make_unique<int>(7); });
        auto [n, none, text, pointer] = brio::gather(slow, nothing, fast, std::move(owned)).await();
        static_assert(std::is_same_v<decltype(none), brio::none>);
        EXPECT_EQ(n, 10);
        EXPECT_EQ(text, "hello");
        EXPECT_EQ(*pointer, 7);
    });
}

TEST(gather, of_voids_only_gives_nothing) {
    run([] {
        static_assert(std::is_void_v<decltype(brio::gather([] {}, [] {}).await())>);
        brio::gather([] {}, [] {}).await();
    });
}

TEST(gather, of_references_gives_the_objects_themselves) {
    run([] {
        int a = 1, b = 2;
        auto [x, y] =
            brio::gather([&]() -> int& { return a; }, [&]() -> int& { return b; }).await();
        EXPECT_EQ(&x, &a);
        EXPECT_EQ(&y, &b);
    });
}

TEST(gather, of_a_range_gives_a_vector_in_its_order) {
    run([] {
        std::vector<brio::task<int>> tasks;
        for (int i = 0; i < 5; ++i)
            tasks.push_back(brio::create_task([i] {
                brio::sleep((5 - i) * 1s);
                return i;
            }));
        EXPECT_THAT(brio::gather(tasks).await(), ElementsAre(0, 1, 2, 3, 4));
        EXPECT_EQ(tasks[3].result(), 3);
        EXPECT_EQ(now(), 5000);
        std::vector<int (*)()> functions{[] { return 1; }, [] { return 2; }};
        EXPECT_THAT(brio::gather(functions).await(), ElementsAre(1, 2));
        std::vector<std::function<void()>> steps(3, [] {});
        brio::gather(steps).await();
    });
}

TEST(gather, of_a_range_of_references_gives_reference_wrappers) {
    run([] {
        int a = 1, b = 2;
        std::vector<std::function<int&()>> both{[&]() -> int& { return a; },
                                                [&]() -> int& { return b; }};
        const auto all = brio::gather(both).await();
        EXPECT_EQ(&all[0].get(), &a);
        EXPECT_EQ(&all[1].get(), &b);
    });
}

TEST(gather, takes_the_elements_of_a_container_that_is_given_away_and_not_those_of_a_view) {
    run([] {
        const auto make = [] {
            std::vector<brio::task<std::unique_ptr<int>>> tasks;
            tasks.push_back(brio::create_task([] { return std::make_unique<int>(1); }));
            return tasks;
        };
        EXPECT_EQ(*brio::gather(make()).await()[0], 1);

        std::vector<brio::task<int>> kept{brio::create_task([] { return 2; })};
        EXPECT_THAT(brio::gather(std::span(kept)).await(), ElementsAre(2));
        EXPECT_TRUE(kept[0].valid());
        EXPECT_THAT(brio::gather(std::span<const brio::task<int>>(kept)).await(), ElementsAre(2));
        EXPECT_THAT(brio::gather(std::move(kept)).await(), ElementsAre(2));
    });
}

TEST(gather, of_nothing_is_done_at_once) {
    run([] {
        hops since;
        auto f = brio::gather();
        EXPECT_TRUE(f.done());
        f.await();
        EXPECT_THAT(brio::gather(std::vector<brio::task<int>>()).await(), IsEmpty());
        EXPECT_EQ(since.so_far(), 0);
    });
}

TEST(gather, of_what_is_done_is_done_at_once) {
    run([] {
        auto a = brio::create_task([] { return 1; });
        auto b = brio::create_task([] { return 2; });
        turns(1);
        hops since;
        auto f = brio::gather(a, b);
        EXPECT_TRUE(f.done());
        const auto [x, y] = f.await();
        EXPECT_EQ(x + y, 3);
        EXPECT_EQ(since.so_far(), 0);
        auto failed = brio::create_future<int>();
        failed.set_exception(std::runtime_error("done already"));
        auto g = brio::gather(a, failed);
        EXPECT_TRUE(g.done());
        EXPECT_EQ(ending([&] { g.await(); }), "done already");
    });
}

TEST(gather, resumes_two_turns_after_the_last_child_ends) {
    run([] {
        hops since;
        brio::gather([] {},
                     [&] {
                         turns(3);
                         since.restart();
                     })
            .await();
        EXPECT_EQ(since.so_far(), 2);
    });
}

TEST(gather, throws_the_first_error_two_turns_after_it_and_lets_the_others_run) {
    run([] {
        bool ended = false;
        hops since;
        auto other = brio::create_task([&] {
            brio::sleep(1s);
            ended = true;
        });
        EXPECT_EQ(ending([&] {
                      brio::gather(other, [&] {
                          since.restart();
                          throw std::runtime_error("first");
                      }).await();
                  }),
                  "first");
        EXPECT_EQ(since.so_far(), 2);
        EXPECT_FALSE(ended);
        other.await();
        EXPECT_TRUE(ended);
    });
}

TEST(gather, does_not_report_errors_behind_the_first) {
    run([] {
        const reports handler;
        EXPECT_EQ(ending([] {
                      brio::gather([] { throw std::runtime_error("first"); },
                                   [] {
                                       brio::sleep(1s);
                                       throw std::runtime_error("second");
                                   })
                          .await();
                  }),
                  "first");
        brio::sleep(2s);
        EXPECT_THAT(handler.told(), IsEmpty());
    });
}

TEST(gather, that_nobody_awaits_reports_its_error) {
    run([] {
        const reports handler;
        {
            auto dropped = brio::gather([] { throw std::runtime_error("unseen"); });
        }
        turns(4);
        EXPECT_THAT(handler.told(),
                    ElementsAre("a future's exception was never retrieved | unseen"));
    });
}

TEST(gather, takes_the_cancel_of_a_child_for_an_error) {
    run([] {
        auto cancelled = brio::create_task([] { brio::sleep(1s); });
        auto other = brio::create_task([] {
            brio::sleep(2s);
            return 1;
        });
        auto all = brio::gather(other, cancelled);
        brio::yield();
        cancelled.cancel("only this one");
        EXPECT_EQ(ending([&] { all.await(); }), "cancelled(only this one)");
        EXPECT_FALSE(all.cancelled());
        EXPECT_FALSE(other.done());
        EXPECT_EQ(other.await(), 1);
    });
}

TEST(gather, makes_one_child_of_a_handle_given_twice) {
    run([] {
        auto t = brio::create_task([] {
            brio::sleep(1s);
            return std::string("same");
        });
        auto all = brio::gather(t, t, t);
        brio::yield();
        int waiters = 0;
        for (auto* w = t.core().waiters().first(); w != nullptr; w = w->next) ++waiters;
        EXPECT_EQ(waiters, 1);
        EXPECT_EQ(all.await(), std::make_tuple("same", "same", "same"));
    });
}

TEST(gather, calls_a_callable_given_twice_twice) {
    run([] {
        int calls = 0;
        const auto count = [&] { return ++calls; };
        EXPECT_EQ(brio::gather(count, count).await(), std::make_tuple(1, 2));
    });
}

TEST(gather, of_a_result_that_another_handle_has_taken_says_so) {
    run([] {
        auto t = brio::create_task([] { return std::make_unique<int>(1); }, {.name = "maker"});
        auto copy = t;
        auto all = brio::gather(std::move(copy));
        static_cast<void>(std::move(t).await());
        const std::string text = "result: the result of the task 'maker' was moved out";
        EXPECT_EQ(text_of<brio::invalid_state_error>([&] { all.await(); }), text);
        EXPECT_EQ(text_of<brio::invalid_state_error>([&] { all.result(); }), text);
    });
}

TEST(gather, whose_result_cannot_be_copied_together_can_be_asked_again) {
    struct fragile {
        fragile() = default;
        fragile(const fragile& o) : copies(o.copies) {
            if (++*copies == 1) throw std::runtime_error("not the first time");
        }
        std::shared_ptr<int> copies = std::make_shared<int>(0);
    };
    run([] {
        auto t = brio::create_task([]() -> fragile { return {}; });
        auto all = brio::gather(t);
        turns(3);
        EXPECT_EQ(ending([&] { all.result(); }), "not the first time");
        EXPECT_GT(*std::get<0>(all.result()).copies, 1);
    });
}

// ---------------------------------------------------------------------------------------- cancelling

TEST(cancel_of_gather, cancels_every_child_in_order) {
    run([] {
        lines seen;
        const auto child = [&](const char* name) {
            return [&seen, name] {
                try {
                    brio::sleep(1h);
                } catch (const brio::cancelled_error& e) {
                    seen.push_back(name + std::string(" ") + e.what());
                    throw;
                }
            };
        };
        auto all = brio::gather(child("a"), child("b"), child("c"));
        brio::yield();
        EXPECT_TRUE(all.cancel("stop"));
        EXPECT_FALSE(all.done());
        EXPECT_EQ(ending([&] { all.await(); }), "cancelled(stop)");
        EXPECT_THAT(seen, ElementsAre("a stop", "b stop", "c stop"));
        EXPECT_FALSE(all.cancelled());
    });
}

TEST(cancel_of_gather, reaches_the_awaiting_task_after_three_turns) {
    run([] {
        hops since;
        int resumed = 0;
        auto t = brio::create_task([&] {
            ending([] { brio::gather([] { brio::sleep(1h); }).await(); });
            resumed = since.so_far();
        });
        turns(2);
        since.restart();
        t.cancel();
        t.await();
        EXPECT_EQ(resumed, 3);
    });
}

TEST(cancel_of_gather, with_a_plain_future_reaches_the_awaiting_task_after_two_turns) {
    run([] {
        hops since;
        int resumed = 0;
        auto f = brio::create_future<void>();
        auto t = brio::create_task([&] {
            ending([&] { brio::gather(f).await(); });
            resumed = since.so_far();
        });
        turns(1);
        since.restart();
        t.cancel();
        t.await();
        EXPECT_EQ(resumed, 2);
        EXPECT_TRUE(f.cancelled());
    });
}

TEST(cancel_of_gather, does_not_wait_for_the_clean_up_of_the_other_children) {
    run([] {
        auto slow = brio::create_task([] {
            try {
                brio::sleep(1h);
            } catch (const brio::cancelled_error&) {
                brio::sleep(10s);
                throw;
            }
        });
        auto all = brio::gather([] { brio::sleep(1h); }, slow);
        brio::yield();
        all.cancel();
        EXPECT_EQ(ending([&] { all.await(); }), "cancelled");
        EXPECT_EQ(now(), 0);
        EXPECT_FALSE(slow.done());
        ending([&] { slow.await(); });
        EXPECT_EQ(now(), 10'000);
    });
}

TEST(cancel_of_gather, that_all_children_swallow_still_throws) {
    run([] {
        const auto swallow = [] {
            try {
                brio::sleep(1h);
            } catch (const brio::cancelled_error&) {
            }
            return 1;
        };
        for (const bool outcomes : {false, true}) {
            auto a = brio::create_task(swallow);
            auto b = brio::create_task(swallow);
            turns(1);
            if (outcomes) {
                auto all = brio::gather(brio::return_exceptions, a, b);
                all.cancel("all");
                EXPECT_EQ(ending([&] { all.await(); }), "cancelled");
            } else {
                auto all = brio::gather(a, b);
                all.cancel("all");
                EXPECT_EQ(ending([&] { all.await(); }), "cancelled");
            }
            EXPECT_EQ(a.result() + b.result(), 2);
        }
    });
}

TEST(cancel_of_gather, leaves_the_error_of_the_last_child_with_that_child) {
    run([] {
        const auto answer = []() -> int {
            try {
                brio::sleep(1h);
            } catch (const brio::cancelled_error&) {
                throw std::runtime_error("answer");
            }
            return 0;
        };
        auto last = brio::create_task(answer);
        auto all = brio::gather(brio::return_exceptions, last);
        brio::yield();
        all.cancel();
        EXPECT_EQ(ending([&] { all.await(); }), "cancelled");
        EXPECT_EQ(ending([&] { last.result(); }), "answer");
        EXPECT_EQ(ending([&] { last.result(); }), "answer");
    });
}

TEST(cancel_of_gather, with_return_exceptions_ends_when_the_last_child_has) {
    run([] {
        auto slow = brio::create_task([] {
            try {
                brio::sleep(1h);
            } catch (const brio::cancelled_error&) {
                brio::sleep(10s);
                throw;
            }
        });
        auto all = brio::gather(
            brio::return_exceptions, [] { brio::sleep(1h); }, slow);
        turns(1);
        all.cancel();
        EXPECT_EQ(ending([&] { all.await(); }), "cancelled");
        EXPECT_EQ(now(), 10'000);
        EXPECT_TRUE(slow.done());
    });
}

TEST(cancel_of_gather, is_refused_when_it_is_done_or_every_child_is) {
    run([] {
        auto f = brio::create_future<int>();
        auto all = brio::gather(f);
        f.set_result(1);
        EXPECT_FALSE(all.done());
        EXPECT_FALSE(all.cancel());
        EXPECT_EQ(all.await(), std::make_tuple(1));
        EXPECT_FALSE(all.cancel());
    });
}

TEST(cancel_of_gather, counts_twice_for_a_child_given_twice) {
    run([] {
        auto t = brio::create_task([] { brio::sleep(1h); });
        auto all = brio::gather(t, t);
        brio::yield();
        all.cancel();
        EXPECT_EQ(t.cancelling(), 2);
        EXPECT_EQ(ending([&] { all.await(); }), "cancelled");
    });
}

// ----------------------------------------------------------------------------------------- outcomes

TEST(gather_of_outcomes, holds_values_errors_and_cancellations_in_order) {
    run([] {
        auto cancelled = brio::create_task([] { brio::sleep(1h); });
        brio::yield();
        cancelled.cancel("stopped");
        auto [value, error, stop, nothing] =
            brio::gather(
                brio::return_exceptions, [] { return 1; },
                []() -> int { throw std::runtime_error("bad"); }, cancelled, [] {})
                .await();
        ASSERT_TRUE(value.has_value());
        EXPECT_EQ(*value, 1);
        ASSERT_FALSE(error.has_value());
        EXPECT_STREQ(error.error_as<std::runtime_error>()->what(), "bad");
        EXPECT_EQ(error.error_as<brio::cancelled_error>(), nullptr);
        EXPECT_EQ(error.value_or(5), 5);
        EXPECT_THROW(static_cast<void>(error.value()), std::runtime_error);
        EXPECT_NE(stop.error_as<brio::cancelled_error>(), nullptr);
        EXPECT_TRUE(nothing.has_value());
        EXPECT_EQ(nothing.error(), nullptr);
    });
}

TEST(gather_of_outcomes, ends_with_the_last_child) {
    run([] {
        const auto all = brio::gather(
                             brio::return_exceptions, [] { throw std::runtime_error("at once"); },
                             [] { brio::sleep(3s); })
                             .await();
        EXPECT_EQ(now(), 3000);
        EXPECT_FALSE(std::get<0>(all).has_value());
        EXPECT_TRUE(std::get<1>(all).has_value());
    });
}

TEST(gather_of_outcomes, of_a_range_is_a_vector) {
    run([] {
        std::vector<std::function<int()>> calls{
            [] { return 1; }, []() -> int { throw std::logic_error("two"); }, [] { return 3; }};
        const auto all = brio::gather(brio::return_exceptions, calls).await();
        ASSERT_EQ(all.size(), 3U);
        EXPECT_EQ(all[0].value(), 1);
        EXPECT_NE(all[1].error_as<std::logic_error>(), nullptr);
        EXPECT_EQ(all[2].value(), 3);
    });
}

TEST(gather_of_outcomes, reports_nothing) {
    run([] {
        const reports handler;
        static_cast<void>(brio::gather(brio::return_exceptions, [] {
                              throw std::runtime_error("seen");
                          }).await());
        turns(2);
        EXPECT_THAT(handler.told(), IsEmpty());
    });
}

TEST(gather_of_outcomes, moves_move_only_results_out) {
    run([] {
        auto [a] =
            brio::gather(brio::return_exceptions, [] { return std::make_unique<int>(3); }).await();
        const std::unique_ptr<int> taken = std::move(a).value();
        EXPECT_EQ(*taken, 3);
    });
}

// ------------------------------------------------------------------------------------------- misuse

TEST(gather, without_a_running_loop_is_refused) {
    EXPECT_EQ(text_of<brio::usage_error>([] { static_cast<void>(brio::gather([] {})); }),
              "gather needs a running loop on this thread: brio::run");
}

TEST(gather, of_another_loop_s_future_is_refused_and_makes_nothing) {
    brio::testing::runner other;
    auto f = other.get_loop().create_future<int>();
    run([&] {
        EXPECT_EQ(text_of<brio::usage_error>([&] { static_cast<void>(brio::gather(f)); }),
                  "gather: the future belongs to another loop");
        EXPECT_EQ(text_of<brio::usage_error>([&] { static_cast<void>(brio::shield(f)); }),
                  "shield: the future belongs to another loop");
        EXPECT_EQ(text_of<brio::usage_error>(
                      [&] { static_cast<void>(brio::as_completed(std::vector{f})); }),
                  "as_completed: the future belongs to another loop");
        EXPECT_EQ(text_of<brio::usage_error>([&] { static_cast<void>(brio::wait({f})); }),
                  "wait: the future belongs to another loop");
    });
    EXPECT_TRUE(f.core().waiters().empty());
}

TEST(gather, survives_that_a_child_s_handle_and_its_own_go_meanwhile) {
    run([] {
        {
            std::vector<brio::task<int>> tasks;
            for (int i = 0; i < 3; ++i)
                tasks.push_back(brio::create_task([i] {
                    brio::sleep(i * 1s);
                    return i;
                }));
            auto dropped = brio::gather(tasks);
            brio::yield();
        }
        brio::sleep(5s);
    });
}

}  // namespace
