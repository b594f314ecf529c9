// What a virtual clock says when nothing can happen any more.

#include "debug/graphs.hpp"

namespace {

using namespace story;
using ::testing::MatchesRegex;

TEST(deadlock, tells_who_waits_for_whom) {
    EXPECT_THAT(
        text_of<brio::testing::deadlock_error>([] {
            run([] {
                auto reply = brio::create_future<int>();
                auto reader = brio::create_task([=] { reply.await(); }, {.name = "reader"});
                brio::gather(reader, [] {}).await();
            });
        }),
        MatchesRegex(
            "every task waits, nothing is ready and no timer is armed: this can never go on\n"
            "\\* future\n"
            "  \\+ Awaited by:\n"
            "    \\* task 'reader': parked, stack [0-9]+ of [0-9]+ KiB, waits for future\n"
            "      \\+ Awaited by:\n"
            "        \\* gather\n"
            "          \\+ Awaited by:\n"
            "            \\* task 'Task-1': parked, stack [0-9]+ of [0-9]+ KiB, waits for gather"));
}

}  // namespace
