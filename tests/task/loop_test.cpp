// The loop as a user sees it: call_soon and its kin, stop, run_until_complete, run_forever, closing.

#include "task/story.hpp"

namespace {

using namespace story;

TEST(run_until_complete, inside_a_running_loop_throws_and_leaves_that_loop_alone) {
    run([] {
        auto done = brio::create_future<int>();
        done.set_result(1);
        auto& loop = brio::get_running_loop();
        EXPECT_EQ(text_of<brio::usage_error>([&] { loop.run_until_complete(done); }),
                  "run_until_complete: a loop is running on this thread already");
        turns(5);
    });
}

TEST(run_until_complete, gives_the_result_when_another_stops_the_loop_in_the_turn_of_its_end) {
    brio::testing::runner r;
    auto& loop = r.get_loop();
    auto f = loop.create_future<int>();
    loop.call_soon([&] {
        f.set_result(7);
        loop.stop();
    });
    EXPECT_EQ(loop.run_until_complete(f), 7);
    // As in asyncio, the callback that is left over ends the next run after one turn.
    int turns_run = 0;
    loop.call_soon([&] {
        ++turns_run;
        loop.call_soon([&] { ++turns_run; });
    });
    loop.run_forever();
    EXPECT_EQ(turns_run, 1);
    loop.call_soon([&] { loop.stop(); });
    loop.run_forever();
    EXPECT_EQ(turns_run, 2);
}

}  // namespace
