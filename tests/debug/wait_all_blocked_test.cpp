#include "ops/ops.hpp"
#include "task/loop_core.hpp"
#include "task/story.hpp"
#include "testing/scripted_reactor.hpp"

#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace story;
using brio::testing::wait_all_blocked;
namespace ops = brio::detail::ops;

/// Each test of this kind on both clocks.
template <class F>
void on_each_clock(F f) {
    run(f);
    brio::run(f);
}

TEST(wait_all_blocked, returns_at_once_when_nobody_else_is_there) {
    on_each_clock([] { wait_all_blocked(); });
}

TEST(wait_all_blocked, waits_until_all_others_are_blocked) {
    on_each_clock([] {
        lines seen;
        auto f = brio::create_future<void>();
        auto busy = brio::create_task([&] {
            turns(20);
            seen.push_back("busy");
            f.await();
        });
        auto later = brio::create_task([&] { brio::create_task([&] { turns(40); }).await(); });
        wait_all_blocked();
        EXPECT_THAT(seen, ElementsAre("busy"));
        EXPECT_TRUE(later.done());
        EXPECT_FALSE(busy.done());
        f.set_result();
        busy.await();
    });
}

TEST(wait_all_blocked, returns_before_the_virtual_clock_jumps) {
    run([] {
        auto sleeper = brio::create_task([] { brio::sleep(1s); });
        wait_all_blocked();
        EXPECT_EQ(now(), 0);
        EXPECT_FALSE(sleeper.done());
        brio::sleep(1s);
        wait_all_blocked();
        EXPECT_EQ(now(), 1000);
        EXPECT_TRUE(sleeper.done());
    });
}

TEST(wait_all_blocked, lets_callbacks_and_their_consequences_come_first) {
    on_each_clock([] {
        lines seen;
        auto& loop = brio::get_running_loop();
        loop.call_soon([&] {
            seen.push_back("first");
            loop.call_soon([&] { seen.push_back("second"); });
        });
        loop.call_later(0s, [&] { seen.push_back("due"); });
        wait_all_blocked();
        EXPECT_THAT(seen, ElementsAre("first", "due", "second"));
    });
}

TEST(wait_all_blocked, wakes_all_who_wait_in_the_order_in_which_they_came) {
    on_each_clock([] {
        lines seen;
        const auto wait_and_say = [&](const char* name, int later) {
            turns(later);
            wait_all_blocked();
            seen.push_back(name);
        };
        brio::gather([&] { wait_and_say("b", 3); }, [&] { wait_and_say("a", 1); },
                     [&] { wait_and_say("c", 5); })
            .await();
        EXPECT_THAT(seen, ElementsAre("a", "b", "c"));
    });
}

TEST(wait_all_blocked, again_waits_for_those_who_were_woken_with_it) {
    run([] {
        lines seen;
        auto other = brio::create_task([&] {
            wait_all_blocked();
            turns(5);
            seen.push_back("other");
        });
        wait_all_blocked();
        wait_all_blocked();
        EXPECT_THAT(seen, ElementsAre("other"));
    });
}

TEST(wait_all_blocked, keeps_a_virtual_clock_from_calling_it_a_deadlock) {
    run([] {
        auto f = brio::create_future<void>();
        auto waiter = brio::create_task([&] { f.await(); });
        wait_all_blocked();
        f.set_result();
        waiter.await();
    });
}

TEST(wait_all_blocked, waits_for_a_timer_that_is_due) {
    run([] {
        lines seen;
        brio::get_running_loop().call_later(0s, [&] { seen.push_back("timer"); });
        wait_all_blocked();
        EXPECT_THAT(seen, ElementsAre("timer"));
    });
}

TEST(wait_all_blocked, sees_what_has_come_through_a_socket) {
    brio::run([] {
        int ends[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        std::string received;
        auto reader = brio::create_task([&] {
            char byte = 0;
            while (ops::recv(ends[0], &byte, 1, 0) == 1) received += byte;
        });
        for (const std::string expected : {"a", "ab", "abc", "abcd"}) {
            wait_all_blocked();
            ASSERT_EQ(ops::send(ends[1], &expected.back(), 1, 0), 1);
            wait_all_blocked();
            EXPECT_EQ(received, expected);
        }
        ::close(ends[1]);
        reader.await();
        ::close(ends[0]);
    });
}

TEST(wait_all_blocked, does_not_wait_for_io_that_does_not_come) {
    brio::testing::runner r;
    auto& script = brio::detail::use_script(r.get_loop().core());
    script.next({.result = 1, .after = 1s});
    r.run([] {
        char byte = 0;
        auto reader = brio::create_task([&] { return ops::recv(5, &byte, 1, 0); });
        wait_all_blocked();
        EXPECT_EQ(now(), 0);
        EXPECT_FALSE(reader.done());
        EXPECT_EQ(reader.await(), 1);
    });
}

TEST(wait_all_blocked, comes_behind_io_that_has_completed) {
    brio::testing::runner r;
    auto& script = brio::detail::use_script(r.get_loop().core());
    r.run([&] {
        char byte = 0;
        auto reader = brio::create_task([&] { return ops::recv(5, &byte, 1, 0); });
        wait_all_blocked();
        script.complete(1);
        wait_all_blocked();
        EXPECT_TRUE(reader.done());
    });
}

TEST(wait_all_blocked, off_a_task_is_refused) {
    EXPECT_THAT(text_of<brio::usage_error>([] { wait_all_blocked(); }),
                HasSubstr("wait_all_blocked suspends, so it must be called in a task"));
}

// ---------------------------------------------------------------------------------------- cancelled

TEST(wait_all_blocked, that_is_cancelled_before_it_waits_throws_at_once) {
    on_each_clock([] {
        auto t = brio::create_task([] {
            brio::current_task().cancel("why");
            EXPECT_EQ(ending([] { wait_all_blocked(); }), "cancelled(why)");
        });
        t.await();
        wait_all_blocked();
    });
}

TEST(wait_all_blocked, that_is_cancelled_while_it_waits_throws_and_leaves_the_others_waiting) {
    on_each_clock([] {
        lines seen;
        auto first = brio::create_task([&] { seen.push_back(ending([] { wait_all_blocked(); })); });
        auto second = brio::create_task([&] {
            wait_all_blocked();
            seen.push_back("second");
        });
        brio::yield();
        EXPECT_TRUE(first.cancel("why"));
        turns(3);
        EXPECT_THAT(seen, ElementsAre("cancelled(why)"));
        second.await();
        EXPECT_THAT(seen, ElementsAre("cancelled(why)", "second"));
    });
}

TEST(wait_all_blocked, that_is_cancelled_when_it_is_being_woken_throws) {
    on_each_clock([] {
        std::string how;
        brio::task<void> second;
        auto first = brio::create_task([&] {
            wait_all_blocked();
            second.cancel();
        });
        second = brio::create_task([&] { how = ending([] { wait_all_blocked(); }); });
        second.await();
        EXPECT_EQ(how, "cancelled");
    });
}

TEST(wait_all_blocked, does_not_mind_a_cancel_that_is_taken_back) {
    run([] {
        lines seen;
        brio::task<void> t;
        t = brio::create_task([&] {
            const brio::defer_cancel whole;
            wait_all_blocked();
            seen.push_back("blocked");
        });
        brio::yield();
        t.cancel();
        t.uncancel();
        turns(3);
        EXPECT_THAT(seen, IsEmpty());
        t.await();
        EXPECT_THAT(seen, ElementsAre("blocked"));
    });
}

}  // namespace
