// Cancelling tasks: one test for each state in which a task can be, the count, the message.

#include "task/story.hpp"

namespace {

using namespace story;

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

TEST(cancel, of_tasks_that_await_one_another_in_a_circle_returns) {
    const leaks allowed;
    brio::testing::runner r;
    lines told;
    r.get_loop().set_exception_handler(
        [&](const brio::exception_report& report) { told.emplace_back(report.message); });
    brio::task<void> a, b;
    EXPECT_THROW(r.run([&] {
        a = brio::create_task([&] { b.await(); });
        b = brio::create_task([&] { a.await(); });
        a.await();
    }),
                 brio::testing::deadlock_error);
    EXPECT_THROW(r.close(), brio::testing::deadlock_error);
    EXPECT_EQ(told.size(), 3);
    EXPECT_GT(a.cancelling(), 0);
    EXPECT_GT(b.cancelling(), 0);
}

}  // namespace
