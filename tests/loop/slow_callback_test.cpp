// Debug mode: what holds the loop for too long is reported.

#include "task/story.hpp"

#include <functional>
#include <stdexcept>

namespace {

using namespace story;
using ::testing::MatchesRegex;

// Real time, because that is what is measured. So long that a machine which stalls in another step,
// which would be reported as well, is rare.
constexpr auto slow = 50ms;

void hold_the_loop() {
    const auto end = brio::clock::now() + 2 * slow;
    while (brio::clock::now() < end) {
    }
}

/// "message, task" of each report.
class slow_callbacks : public ::testing::Test {
protected:
    void run_in(bool debug, const std::function<void()>& body, brio::delay limit = slow) {
        brio::run(
            [&] {
                brio::event_loop& loop = brio::get_running_loop();
                loop.set_slow_callback_duration(limit);
                loop.set_exception_handler([&](const brio::exception_report& r) {
                    std::string line(r.message);
                    if (r.future.valid()) line += ", " + r.future.core().describe();
                    told.push_back(line);
                });
                body();
                brio::yield();
                loop.set_slow_callback_duration(std::nullopt);
            },
            {.debug = debug});
    }
    lines told;
};

TEST_F(slow_callbacks, are_reported_in_debug_mode) {
    run_in(true, [] {
        brio::get_running_loop().call_soon(hold_the_loop);
        brio::yield();
    });
    EXPECT_THAT(told, ElementsAre(MatchesRegex("a callback has held the loop for .* s")));
}

TEST_F(slow_callbacks, are_not_timed_otherwise) {
    run_in(false, [] {
        brio::get_running_loop().call_soon(hold_the_loop);
        brio::create_task(hold_the_loop).await();
    });
    EXPECT_THAT(told, IsEmpty());
}

TEST_F(slow_callbacks, are_those_that_take_as_long_as_the_program_says) {
    run_in(
        true, [] { brio::create_task(hold_the_loop).await(); }, 1h);
    EXPECT_THAT(told, IsEmpty());
}

TEST_F(slow_callbacks, may_be_the_steps_of_a_task_and_are_told_apart) {
    run_in(true, [] {
        const auto one_step = [] {
            brio::yield();
            hold_the_loop();
            brio::yield();
        };
        auto a = brio::create_task(one_step, {.name = "a"});
        auto b = brio::create_task([] { turns(3); }, {.name = "b"});
        auto c = brio::create_task(
            [] {
                hold_the_loop();
                throw std::runtime_error("no luck");
            },
            {.name = "c"});
        a.await();
        b.await();
        EXPECT_EQ(ending([&] {
                      c.await();
                      return 0;
                  }),
                  "no luck");
    });
    EXPECT_THAT(told, ElementsAre(MatchesRegex("a task has held the loop for .* s, task 'c'"),
                                  MatchesRegex("a task has held the loop for .* s, task 'a'")));
}

TEST_F(slow_callbacks, are_timed_from_the_step_after_the_mode_is_set) {
    run_in(false, [] {
        brio::event_loop& loop = brio::get_running_loop();
        loop.set_debug(true);
        brio::create_task(hold_the_loop, {.name = "seen"}).await();
        loop.set_debug(false);
        brio::yield();
        brio::create_task(hold_the_loop).await();
    });
    EXPECT_THAT(told, ElementsAre(MatchesRegex("a task has held the loop for .* s, task 'seen'")));
}

TEST(debug_mode, keeps_the_order_of_things_and_the_turns_they_take) {
    const auto story_of = [](bool debug) {
        lines story;
        brio::testing::run(
            [&] {
                const hops since;
                const auto note = [&](const char* what) {
                    story.push_back(what + std::to_string(since.so_far()));
                };
                brio::get_running_loop().call_soon([&] { note("callback"); });
                auto eager = brio::create_task(
                    [&] {
                        note("eager");
                        brio::yield();
                        note("eager again");
                    },
                    {.eager_start = true});
                auto sleeper = brio::create_task([&] {
                    brio::sleep(1s);
                    note("slept");
                });
                auto cancelled = brio::create_task([] { brio::sleep(1h); });
                brio::yield();
                cancelled.cancel();
                brio::gather(eager, sleeper).await();
                note("gathered");
            },
            {.debug = debug});
        return story;
    };
    EXPECT_EQ(story_of(true), story_of(false));
}

TEST(slow_callback_duration, is_100_ms_at_first_and_nothing_is_slow_on_a_virtual_clock) {
    run([] {
        brio::event_loop& loop = brio::get_running_loop();
        EXPECT_EQ(loop.slow_callback_duration(), 100ms);
        const reports seen;
        loop.set_debug(true);
        loop.set_slow_callback_duration(0s);
        EXPECT_EQ(loop.slow_callback_duration(), 0s);
        turns(3);
        EXPECT_THAT(seen.told(), IsEmpty());
    });
}

}  // namespace
