// Futures: states, results of all kinds, handles.

#include "task/story.hpp"

#include <map>

namespace {

using namespace story;

TEST(await, survives_that_the_awaited_handle_goes_meanwhile) {
    run([] {
        std::map<int, brio::future<std::string>> pending;
        pending[1] = brio::create_future<std::string>();
        auto asker = brio::create_task([&] {
            const std::string& answer = pending[1].await();
            return "the answer is " + answer;
        });
        brio::yield();
        pending[1].set_result("a text that is too long to lie in the string object itself");
        pending.erase(1);
        EXPECT_EQ(asker.await(),
                  "the answer is a text that is too long to lie in the string object itself");
    });
}

TEST(await, of_a_pending_future_that_everybody_else_drops_can_be_cancelled) {
    run([] {
        auto only = std::make_unique<brio::future<int>>(brio::create_future<int>());
        auto t = brio::create_task([&] { only->await(); });
        brio::yield();
        only.reset();
        EXPECT_TRUE(t.cancel());
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled");
    });
}

}  // namespace
