// The calls that a task is in the middle of. The functions have C names, so that they can be looked for.

#include "debug/graphs.hpp"

#include <algorithm>
#include <cstdio>

namespace {

using namespace story;
using ::testing::AllOf;
using ::testing::MatchesRegex;
using ::testing::Not;

constexpr bool own_switch =
#if defined(BRIO_PORTABLE_SWITCH)
    false;
#else
    true;
#endif

using stack = std::vector<brio::frame_call_graph_entry>;

/// Whether one of the calls is in this function.
bool has(const stack& frames, std::string_view function) {
    return std::any_of(frames.begin(), frames.end(),
                       [&](const auto& frame) { return frame.describe().starts_with(function); });
}

stack stack_of(const brio::any_future& future, const brio::call_graph_options& options = {}) {
    return brio::capture_call_graph(future, options).nodes.at(0).call_stack;
}

}  // namespace

// Each does something after its call, so that it does not leave the stack before.
extern "C" {
[[gnu::noinline]] int debug_test_inner(int n) {
    brio::sleep(1h);
    return n + 1;
}
[[gnu::noinline]] int debug_test_outer(int n) {
    return debug_test_inner(n) + 1;
}
[[gnu::noinline]] int debug_test_captures(const brio::call_graph_options& options, stack& frames) {
    frames = brio::capture_call_graph(options).nodes.at(0).call_stack;
    return 1;
}
[[gnu::noinline]] int debug_test_has_it_captured(const brio::call_graph_options& options,
                                                 stack& frames) {
    return debug_test_captures(options, frames) + 1;
}
}

namespace {

brio::task<int> deep_sleeper() {
    return brio::create_task([] { return debug_test_outer(1); }, {.name = "deep"});
}

class suspended_stack : public ::testing::Test {
protected:
    void SetUp() override {
        if (!own_switch) GTEST_SKIP() << "the portable switch cannot tell";
    }
};

TEST_F(suspended_stack, has_the_calls_that_the_task_is_in_the_innermost_first) {
    run([] {
        auto t = deep_sleeper();
        brio::yield();
        const stack frames = stack_of(t);
        const auto place = [&](std::string_view function) {
            return std::find_if(frames.begin(), frames.end(), [&](const auto& frame) {
                return frame.describe().starts_with(function);
            });
        };
        ASSERT_NE(place("debug_test_outer"), frames.end());
        EXPECT_LT(place("brio::"), place("debug_test_inner"));
        EXPECT_LT(place("debug_test_inner"), place("debug_test_outer"));
    });
}

TEST_F(suspended_stack, is_the_same_from_a_callback_and_from_outside_the_loop) {
    brio::testing::runner r;
    brio::task<int> t;
    r.run([&] {
        t = deep_sleeper();
        brio::get_running_loop().call_soon(
            [&] { EXPECT_TRUE(has(stack_of(t), "debug_test_inner")); });
        turns(2);
    });
    EXPECT_TRUE(has(stack_of(t), "debug_test_inner"));
    EXPECT_TRUE(has(stack_of(t), "debug_test_outer"));
}

/// It is not where it was when it last waited.
TEST_F(suspended_stack, of_who_has_yielded_has_its_yield) {
    run([] {
        auto t = brio::create_task([] {
            debug_test_outer(1);
            brio::yield();
        });
        brio::sleep(1h);
        brio::yield();
        EXPECT_TRUE(has(stack_of(t), "brio::v0::yield"));
        EXPECT_FALSE(has(stack_of(t), "debug_test_inner"));
        t.cancel();
    });
}

TEST_F(suspended_stack, of_who_has_started_an_eager_task_is_told_from_inside_of_that) {
    run([] {
        auto t = brio::create_task([] {
            const auto creator = brio::current_task();
            brio::create_task([&] { EXPECT_GT(stack_of(creator).size(), 2U); },
                              {.eager_start = true})
                .await();
        });
        t.await();
    });
}

TEST_F(suspended_stack, lets_the_task_go_on_undisturbed) {
    run([] {
        auto t = deep_sleeper();
        brio::yield();
        for (int i = 0; i < 3; ++i) EXPECT_TRUE(has(stack_of(t), "debug_test_inner"));
        EXPECT_EQ(t.await(), 3);
    });
}

TEST_F(suspended_stack, is_cut_at_the_limit_from_either_side) {
    run([] {
        auto t = deep_sleeper();
        brio::yield();
        const stack whole = stack_of(t);
        ASSERT_GT(whole.size(), 4U);
        const stack first = stack_of(t, {.limit = 2});
        ASSERT_EQ(first.size(), 2U);
        EXPECT_EQ(first[0].address, whole[0].address);
        const stack last = stack_of(t, {.limit = -2});
        ASSERT_EQ(last.size(), 2U);
        EXPECT_EQ(last[1].address, whole.back().address);
        EXPECT_EQ(stack_of(t, {.limit = 1000}).size(), whole.size());
        EXPECT_EQ(stack_of(t, {.limit = -1000}).size(), whole.size());
        EXPECT_THAT(stack_of(t, {.limit = 0}), IsEmpty());
    });
}

TEST_F(suspended_stack, stands_in_the_text_of_the_graph) {
    run([] {
        auto t = deep_sleeper();
        brio::yield();
        EXPECT_THAT(brio::format_call_graph(brio::capture_call_graph(t)),
                    AllOf(HasSubstr("waits for sleep\n  + Call stack:\n  |   "),
                          HasSubstr("\n  |   debug_test_inner ("),
                          HasSubstr("\n  |   debug_test_outer (")));
    });
}

TEST_F(suspended_stack, can_be_had_with_the_outermost_call_first) {
    run([] {
        auto t = deep_sleeper();
        brio::yield();
        const stack innermost_first = stack_of(t);
        const stack frames = brio::get_stack(t);
        ASSERT_EQ(frames.size(), innermost_first.size());
        EXPECT_EQ(frames.front().address, innermost_first.back().address);
        const stack last = brio::get_stack(t, 1);
        ASSERT_EQ(last.size(), 1U);
        EXPECT_EQ(last[0].address, innermost_first[0].address);
    });
}

TEST_F(suspended_stack, is_printed_for_a_task) {
    run([] {
        auto t = deep_sleeper();
        brio::yield();
        ::testing::internal::CaptureStderr();
        brio::print_stack(t);
        EXPECT_THAT(::testing::internal::GetCapturedStderr(),
                    AllOf(HasSubstr("stack of task 'deep', the most recent call last:\n"),
                          HasSubstr("\n  debug_test_inner (")));
    });
}

TEST(task_stack, of_the_current_task_begins_with_who_asks) {
    run([] {
        stack frames;
        debug_test_has_it_captured({}, frames);
        ASSERT_GT(frames.size(), 2U);
        EXPECT_THAT(frames[0].describe(),
                    MatchesRegex("debug_test_captures \\(.*test_debug\\+0x.*"));
        EXPECT_THAT(frames[1].describe(), MatchesRegex("debug_test_has_it_captured \\(.*"));
        debug_test_has_it_captured({.depth = 2}, frames);
        EXPECT_THAT(frames.at(0).describe(), MatchesRegex("debug_test_has_it_captured \\(.*"));
        debug_test_has_it_captured({.depth = 1, .limit = 1}, frames);
        EXPECT_EQ(frames.size(), 1U);
        debug_test_has_it_captured({.depth = 1000}, frames);
        EXPECT_THAT(frames, IsEmpty());
    });
}

TEST(task_stack, of_a_task_that_has_not_begun_or_is_done_is_empty) {
    run([] {
        auto t = brio::create_task([] {});
        EXPECT_THAT(stack_of(t), IsEmpty());
        t.await();
        EXPECT_THAT(stack_of(t), IsEmpty());
        EXPECT_THAT(brio::get_stack(t), IsEmpty());
        ::testing::internal::CaptureStderr();
        brio::print_stack(t);
        EXPECT_EQ(::testing::internal::GetCapturedStderr(), "no stack of task 'Task-2'\n");
    });
}

}  // namespace
