// run_threadsafe: tasks that other threads start.

#include "scheduler/threads.hpp"
#include "task/story.hpp"

#include <atomic>
#include <optional>
#include <stdexcept>
#include <thread>

namespace {

using namespace story;
using brio_tests::comes_true;

/// Runs f on another thread and waits for that in a task.
template <class F>
void on_a_thread(F f) {
    brio::to_thread(std::move(f));
}

TEST(run_threadsafe, gives_a_thread_the_result_of_a_task) {
    run([] {
        const brio::loop_handle loop(brio::get_running_loop());
        const auto here = std::this_thread::get_id();
        on_a_thread([&] {
            const auto answer = brio::run_threadsafe(
                [here] {
                    brio::sleep(1s);
                    EXPECT_EQ(std::this_thread::get_id(), here);
                    return std::make_unique<int>(42);
                },
                loop);
            EXPECT_EQ(*answer.result(), 42);
            brio::run_threadsafe([] {}, loop).result();
        });
    });
}

TEST(run_threadsafe, gives_a_thread_the_error_of_a_task) {
    run([] {
        const brio::loop_handle loop(brio::get_running_loop());
        on_a_thread([&] {
            const auto f = brio::run_threadsafe([] { throw std::runtime_error("no luck"); }, loop);
            EXPECT_EQ(ending([&] {
                          f.result();
                          return 0;
                      }),
                      "no luck");
        });
    });
}

TEST(run_threadsafe, takes_the_context_of_the_thread_along) {
    run([] {
        brio::context_var<int> number("number", 0);
        const brio::loop_handle loop(brio::get_running_loop());
        on_a_thread([&] {
            const auto scope = number.scoped(7);
            EXPECT_EQ(brio::run_threadsafe([&] { return number.get(); }, loop).result(), 7);
        });
    });
}

TEST(run_threadsafe, that_is_cancelled_cancels_its_task) {
    run([] {
        const brio::loop_handle loop(brio::get_running_loop());
        std::atomic<bool> waits = false;
        auto seen = brio::create_future<std::string>();
        on_a_thread([&] {
            const auto f = brio::run_threadsafe(
                [&] {
                    waits = true;
                    seen.set_result(ending([] {
                        brio::sleep(std::nullopt);
                        return 0;
                    }));
                },
                loop);
            ASSERT_TRUE(comes_true([&] { return waits.load(); }));
            EXPECT_TRUE(f.cancel());
            EXPECT_TRUE(f.cancelled());
            EXPECT_EQ(ending([&] {
                          f.result();
                          return 0;
                      }),
                      "cancelled");
        });
        EXPECT_EQ(seen.await(), "cancelled");
    });
}

TEST(run_threadsafe, that_is_cancelled_before_its_task_is_made_makes_none) {
    bool called = false;
    run([&] {
        const brio::loop_handle loop(brio::get_running_loop());
        std::thread([&] {
            EXPECT_TRUE(brio::run_threadsafe([&] { called = true; }, loop).cancel());
        }).join();
        turns(3);
    });
    EXPECT_FALSE(called);
}

TEST(run_threadsafe, is_cancelled_when_its_task_is) {
    run([] {
        const brio::loop_handle loop(brio::get_running_loop());
        on_a_thread([&] {
            const auto f = brio::run_threadsafe(
                [] {
                    brio::current_task().cancel();
                    brio::yield();
                },
                loop);
            EXPECT_EQ(ending([&] {
                          f.result();
                          return 0;
                      }),
                      "cancelled");
            EXPECT_TRUE(f.cancelled());
        });
    });
}

TEST(run_threadsafe, whose_task_waits_for_itself_reports_that_no_cancel_can_end_it) {
    run([] {
        const reports seen;
        const brio::loop_handle loop(brio::get_running_loop());
        auto way_out = brio::create_future<int>();
        brio::future<void> self;
        on_a_thread([&] {
            const auto f = brio::run_threadsafe(
                [&] {
                    auto other = brio::create_task(
                        [&, me = brio::current_task()] { brio::gather(me, way_out).await(); });
                    self = brio::shield(other);
                    other.await();
                },
                loop);
            brio::run_threadsafe([] { turns(3); }, loop).result();
            f.cancel();
            brio::run_threadsafe([] { turns(3); }, loop).result();
        });
        EXPECT_THAT(seen.told(), ElementsAre(HasSubstr("a task could not be cancelled")));
        turns(8);
    });
}

TEST(run_threadsafe, reports_an_error_that_nobody_asks_for) {
    run([] {
        const reports seen;
        const brio::loop_handle loop(brio::get_running_loop());
        on_a_thread([&] {
            const auto fails = [] { throw std::runtime_error("no luck"); };
            brio::run_threadsafe(fails, loop);
            auto f = brio::run_threadsafe(fails, loop);
            while (!f.done()) std::this_thread::yield();
            f = {};
        });
        while (seen.told().size() < 2) brio::yield();
        for (const std::string& line : seen.told())
            EXPECT_EQ(line, "an exception of run_threadsafe was never retrieved | no luck");
    });
}

TEST(run_threadsafe, on_a_closed_loop_is_refused) {
    std::optional<brio::loop_handle> loop;
    run([&] { loop.emplace(brio::get_running_loop()); });
    const auto owned = std::make_shared<int>(1);
    EXPECT_EQ(
        text_of<brio::usage_error>([&] { return brio::run_threadsafe([owned] {}, *loop).valid(); }),
        "run_threadsafe: the loop is closed");
    EXPECT_EQ(owned.use_count(), 1);
}

TEST(run_threadsafe, that_the_loop_never_came_to_is_cancelled_when_it_closes) {
    const auto r = std::make_unique<brio::runner>();
    const auto f = brio::run_threadsafe([] { return 1; }, brio::loop_handle(r->get_loop()));
    EXPECT_FALSE(f.done());
    r->close();
    EXPECT_TRUE(f.cancelled());
}

TEST(run_threadsafe, whose_task_never_ends_is_cancelled_when_the_loop_closes) {
    const leaks abandoned_stack;
    brio::testing::runner r;
    r.get_loop().set_exception_handler([](const brio::exception_report&) {});
    const auto f = brio::run_threadsafe(
        [] {
            for (;;) {
                try {
                    brio::sleep(std::nullopt);
                } catch (const brio::cancelled_error&) {
                }
            }
        },
        brio::loop_handle(r.get_loop()));
    r.run([] { turns(3); });
    EXPECT_FALSE(f.done());
    EXPECT_THROW(r.close(), brio::testing::deadlock_error);
    EXPECT_TRUE(f.cancelled());
}

TEST(run_threadsafe, lets_two_loops_call_each_other) {
    std::thread other;
    std::optional<brio::loop_handle> theirs;
    std::atomic<bool> ready = false;
    brio::run([&] {
        const brio::loop_handle ours(brio::get_running_loop());
        other = std::thread([&, ours] {
            brio::run([&] {
                theirs.emplace(brio::get_running_loop());
                ready = true;
                EXPECT_EQ(brio::run_threadsafe([] { return 1; }, ours).result(), 1);
                brio::run_threadsafe([] { return 2; }, ours).result();
            });
        });
        while (!ready) brio::yield();
        brio::to_thread([&] { other.join(); });
    });
}

}  // namespace
