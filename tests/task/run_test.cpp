// run and runner: from main() into the loop and back.

#include "task/story.hpp"

namespace {

using namespace story;

TEST(run, inside_a_running_loop_throws_at_once) {
    run([] {
        bool called = false;
        EXPECT_EQ(text_of<brio::usage_error>([&] { brio::run([&] { called = true; }); }),
                  "run: a loop is running on this thread already");
        EXPECT_FALSE(called);
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

}  // namespace
