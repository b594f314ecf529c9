// run and runner: from main() into the loop and back.

#include "task/story.hpp"

#include <thread>

namespace {

using namespace story;

TEST(run, returns_what_main_returns) {
    EXPECT_EQ(run([] { return 4; }), 4);
    EXPECT_EQ(*run([] { return std::make_unique<int>(5); }), 5);
    int number = 0;
    int& same = run([&]() -> int& { return number; });
    EXPECT_EQ(&same, &number);
    run([] {});
    EXPECT_EQ(brio::run([] { return 6; }), 6);
}

TEST(run, throws_what_main_throws) {
    EXPECT_EQ(text_of<std::runtime_error>([] { run([] { throw std::runtime_error("main"); }); }),
              "main");
    EXPECT_EQ(ending([] { run([] { throw brio::cancelled_error("main"); }); }), "cancelled(main)");
    EXPECT_EQ(ending([] {
                  run([] {
                      brio::current_task().cancel("itself");
                      brio::yield();
                  });
              }),
              "cancelled(itself)");
}

TEST(run, cancels_what_is_left_in_order_of_creation_and_waits_for_it) {
    lines seen;
    run([&] {
        for (const char* name : {"a", "b", "c"})
            brio::create_task([&, name] {
                try {
                    brio::sleep(1h);
                } catch (const brio::cancelled_error&) {
                    seen.push_back(name + std::string(" cancelled"));
                    brio::sleep(1s);
                    seen.push_back(name + (" ended at " + std::to_string(now())));
                    throw;
                }
            });
        brio::yield();
        seen.push_back("main ends");
    });
    EXPECT_THAT(seen, ElementsAre("main ends", "a cancelled", "b cancelled", "c cancelled",
                                  "a ended at 1000", "b ended at 1000", "c ended at 1000"));
}

TEST(run, cancels_an_eager_task_behind_what_its_first_step_made) {
    lines seen;
    const auto sleeper = [&](const char* name) {
        return [&seen, name] {
            try {
                brio::sleep(1h);
            } catch (const brio::cancelled_error&) {
                seen.push_back(name);
            }
        };
    };
    run([&] {
        brio::create_task(
            [&] {
                brio::create_task(sleeper("child"));
                sleeper("eager")();
            },
            {.eager_start = true});
        brio::create_task(sleeper("later"));
        brio::yield();
    });
    EXPECT_THAT(seen, ElementsAre("child", "eager", "later"));
}

TEST(run, keeps_tasks_that_never_started_from_starting) {
    bool started = false;
    run([&] { brio::create_task([&] { brio::create_task([&] { started = true; }); }); });
    EXPECT_FALSE(started);
}

TEST(run, reports_what_a_task_throws_while_it_is_cancelled_at_the_end) {
    lines told;
    run([&] {
        brio::get_running_loop().set_exception_handler([&](const brio::exception_report& r) {
            told.push_back(std::string(r.message) + " | " +
                           ending([&] { std::rethrow_exception(r.exception); }));
        });
        brio::create_task([] {
            try {
                brio::sleep(1h);
            } catch (const brio::cancelled_error&) {
                throw std::runtime_error("during clean-up");
            }
        });
        brio::yield();
    });
    EXPECT_THAT(told, ElementsAre("a task failed while run() was shutting down | during clean-up"));
}

TEST(run, reports_an_error_that_nobody_retrieved_only_once_it_is_over) {
    lines told;
    run([&] {
        brio::get_running_loop().set_exception_handler(
            [&](const brio::exception_report& r) { told.push_back(std::string(r.message)); });
        auto t = brio::create_task([] { throw std::runtime_error("unseen"); });
        turns(2);
        EXPECT_THAT(told, IsEmpty());
    });
    EXPECT_THAT(told, ElementsAre("a task's exception was never retrieved"));
}

TEST(run, inside_a_running_loop_throws_at_once) {
    run([] {
        bool called = false;
        EXPECT_EQ(text_of<brio::usage_error>([&] { brio::run([&] { called = true; }); }),
                  "run: a loop is running on this thread already");
        EXPECT_FALSE(called);
    });
}

TEST(run, in_each_of_two_threads_has_a_loop_of_its_own) {
    const auto count = [] {
        return run([] {
            for (int i = 0; i < 100; ++i) brio::sleep(1s);
            return now();
        });
    };
    long other = 0;
    std::thread thread([&] { other = count(); });
    EXPECT_EQ(count(), 100'000);
    thread.join();
    EXPECT_EQ(other, 100'000);
}

TEST(run, throws_when_all_wait_for_ever_on_a_virtual_clock_and_tells_for_what) {
    EXPECT_THAT(
        text_of<brio::testing::deadlock_error>([] {
            run([] {
                brio::create_task([] { brio::sleep(std::nullopt); }, {.name = "sleeper"});
                brio::create_future<void>().await();
            });
        }),
        ::testing::ContainsRegex(
            "^every task waits, nothing is ready and no timer is armed: this can never go on\n"
            "\\* future\n"
            "  \\+ Awaited by:\n"
            "    \\* task 'Task-1': parked, stack [0-9]+ of [0-9]+ KiB, waits for future\n"
            "\\* task 'sleeper': parked, stack [0-9]+ of [0-9]+ KiB, waits for sleep$"));
}

TEST(runner, runs_several_mains_on_one_loop) {
    brio::testing::runner r;
    brio::task<int> background;
    r.run([&] {
        background = brio::create_task([] {
            brio::sleep(2s);
            return 1;
        });
        brio::sleep(1s);
    });
    EXPECT_FALSE(background.done());
    EXPECT_EQ(r.run([&] { return background.await() + now(); }), 2001);
    EXPECT_EQ(r.run([] { return brio::current_task().get_name(); }), "Task-4");
}

TEST(runner, goes_on_behind_a_main_that_failed) {
    brio::testing::runner r;
    EXPECT_EQ(
        text_of<std::runtime_error>([&] { r.run([] { throw std::runtime_error("first"); }); }),
        "first");
    EXPECT_EQ(r.run([] { return 2; }), 2);
}

TEST(runner, closes_once) {
    brio::testing::runner r;
    bool ended = false;
    r.run([&] {
        brio::create_task([&] {
            try {
                brio::sleep(1h);
            } catch (const brio::cancelled_error&) {
                ended = true;
            }
        });
        brio::yield();
    });
    EXPECT_FALSE(ended);
    r.close();
    EXPECT_TRUE(ended);
    r.close();
}

TEST(runner, is_refused_on_another_thread) {
    brio::testing::runner r;
    std::string text;
    std::thread([&] { text = text_of<brio::usage_error>([&] { r.run([] {}); }); }).join();
    EXPECT_EQ(text, "run: the loop belongs to another thread");
}

TEST(runner, cannot_be_closed_inside_its_own_run) {
    brio::testing::runner r;
    r.run([&] {
        EXPECT_EQ(text_of<brio::usage_error>([&] { r.close(); }),
                  "runner::close: a loop is running on this thread already");
        EXPECT_EQ(brio::current_task().cancelling(), 0);
    });
}

TEST(runner, whose_tasks_will_not_end_reports_it_and_closes) {
    lines told;
    brio::task<void> stubborn;
    {
        const leaks allowed;
        brio::testing::runner r;
        auto& loop = r.get_loop();
        loop.set_exception_handler(
            [&](const brio::exception_report& report) { told.emplace_back(report.message); });
        stubborn = r.run([] {
            auto t = brio::create_task([] {
                try {
                    brio::sleep(std::nullopt);
                } catch (const brio::cancelled_error&) {
                    brio::sleep(std::nullopt);  // what is caught here leaks
                }
            });
            brio::yield();
            return t;
        });
    }
    EXPECT_THAT(told, ElementsAre("the tasks that were left could not be ended",
                                  "the loop closes, and this task is still pending: its stack is "
                                  "not unwound"));
    EXPECT_FALSE(stubborn.done());
    EXPECT_FALSE(stubborn.cancel());
    EXPECT_EQ(stubborn.get_name(), "Task-2");
}

TEST(runner, whose_tasks_will_not_end_throws_from_close_and_is_closed) {
    brio::testing::runner r;
    auto& loop = r.get_loop();
    loop.set_exception_handler([](const brio::exception_report&) {});
    r.run([] {
        brio::create_task([] {
            const brio::defer_cancel whole;
            brio::sleep(std::nullopt);
        });
        brio::yield();
    });
    EXPECT_THROW(r.close(), brio::testing::deadlock_error);
    EXPECT_TRUE(loop.is_closed());
    r.close();
}

TEST(runner, does_not_unwind_a_task_that_is_pending_when_the_loop_closes) {
    struct tells_of_its_end {
        ~tells_of_its_end() { *ended = true; }
        bool* ended;
    };
    bool ended = false;
    {
        brio::testing::runner r;
        r.get_loop().set_exception_handler([](const brio::exception_report&) {});
        r.run([&] {
            brio::create_task([&] {
                const tells_of_its_end local{&ended};
                const brio::defer_cancel whole;
                brio::sleep(std::nullopt);
            });
            brio::yield();
        });
    }
    EXPECT_FALSE(ended);
}

}  // namespace
