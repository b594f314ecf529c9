// perform(): what a fiber gets back, for every order of completion, cancel and deadline. The reactor
// follows a script and the clock is virtual, so each order is certain.

#include "ops/operation.hpp"
#include "ops/ops.hpp"
#include "scheduler/park.hpp"
#include "task/loop_core.hpp"
#include "testing/scripted_reactor.hpp"

#include <brio/brio.hpp>
#include <brio/testing.hpp>

#include <cerrno>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace brio {
namespace {

using namespace std::chrono_literals;
using detail::operation;
using log = std::vector<std::string>;

class perform_test : public ::testing::Test {
protected:
    detail::scripted_reactor& script() { return script_; }
    void run(std::function<void()> main) { runner_.run(std::move(main)); }

    static operation recv_of_5() { return {.what = operation::code::recv, .fd = 5}; }
    static time_point in(duration d) { return clock::now() + d; }
    static detail::fiber& self() { return *detail::this_fiber(); }

private:
    testing::runner runner_;
    detail::scripted_reactor& script_ = detail::use_script(runner_.get_loop().core());
};

TEST_F(perform_test, returns_the_result_when_it_comes) {
    script().next({.result = 7, .after = 3s});
    run([] {
        operation op = recv_of_5();
        EXPECT_EQ(detail::perform(op), 7);
        EXPECT_EQ(clock::now(), time_point(3s));
    });
    EXPECT_EQ(script().take_log(),
              (log{"submit recv of descriptor 5", "complete recv of descriptor 5"}));
}

TEST_F(perform_test, returns_errors_as_they_are) {
    script().next({.result = -ECONNRESET});
    script().next({.result = -ECANCELED});
    run([] {
        operation op = recv_of_5();
        EXPECT_EQ(detail::perform(op), -ECONNRESET);
        // Of the kernel's own accord: timerfds answer so.
        EXPECT_EQ(detail::perform(op), -ECANCELED);
        EXPECT_FALSE(self().cancel_pending);
    });
}

TEST_F(perform_test, lets_others_run_meanwhile) {
    script().next({.result = 1, .after = 1s});
    std::string order;
    run([&] {
        auto other = create_task([&] { order += "b"; });
        operation op = recv_of_5();
        order += "a";
        detail::perform(op);
        order += "c";
    });
    EXPECT_EQ(order, "abc");
}

// ------------------------------------------------------------------------------------- deadlines

TEST_F(perform_test, ends_at_its_deadline) {
    run([] {
        operation op = recv_of_5();
        EXPECT_EQ(detail::perform(op, in(2s)), -ETIME);
        EXPECT_EQ(clock::now(), time_point(2s));
    });
    EXPECT_EQ(script().take_log(),
              (log{"submit recv of descriptor 5", "cancel recv of descriptor 5",
                   "complete recv of descriptor 5"}));
}

TEST_F(perform_test, a_deadline_that_has_passed_still_lets_a_result_win) {
    script().next({.result = 4});
    run([] {
        sleep(1s);
        operation op = recv_of_5();
        EXPECT_EQ(detail::perform(op, in(-1s)), 4);
        EXPECT_EQ(detail::perform(op, in(-1s)), -ETIME);
    });
}

TEST_F(perform_test, a_result_that_beats_the_deadlines_cancel_wins) {
    script().next({.result = 4, .after = 3s, .stoppable = false});
    run([] {
        operation op = recv_of_5();
        EXPECT_EQ(detail::perform(op, in(2s)), 4);
        EXPECT_EQ(clock::now(), time_point(3s));
    });
}

TEST_F(perform_test, completion_and_deadline_at_the_same_moment_lose_nothing) {
    script().next({.result = 4, .after = 2s});
    run([] {
        operation op = recv_of_5();
        // Armed first, so it fires first, and the cancel comes just before the result.
        EXPECT_EQ(detail::perform(op, in(2s)), -ETIME);
    });
    script().next({.result = 4, .after = 2s, .stoppable = false});
    run([] {
        operation op = recv_of_5();
        EXPECT_EQ(detail::perform(op, in(2s)), 4);
    });
}

TEST_F(perform_test, stays_until_the_kernel_has_let_go) {
    script().next({.result = 0, .after = 1h, .stops_after = 5s});
    run([] {
        operation op = recv_of_5();
        EXPECT_EQ(detail::perform(op, in(2s)), -ETIME);
        EXPECT_EQ(clock::now(), time_point(7s));
    });
}

TEST_F(perform_test, an_early_result_disarms_the_deadline) {
    script().next({.result = 1, .after = 1s});
    run([] {
        {
            operation op = recv_of_5();
            EXPECT_EQ(detail::perform(op, in(2s)), 1);
        }
        sleep(10s);
    });
    EXPECT_EQ(script().take_log().size(), 2U);
}

// --------------------------------------------------------------------------------------- cancels

TEST_F(perform_test, a_cancel_ends_it_and_stays_pending) {
    run([&] {
        auto t = create_task([] {
            operation op = recv_of_5();
            EXPECT_EQ(detail::perform(op), -ECANCELED);
            EXPECT_TRUE(self().cancel_pending);
            EXPECT_THROW(sleep(1s), cancelled_error);
            EXPECT_FALSE(self().cancel_pending);
        });
        sleep(1s);
        t.cancel();
        t.await();
        EXPECT_EQ(clock::now(), time_point(1s));
    });
}

TEST_F(perform_test, a_cancel_that_was_pending_submits_nothing) {
    run([&] {
        auto t = create_task([] {
            current_task().cancel();
            operation op = recv_of_5();
            EXPECT_EQ(detail::perform(op), -ECANCELED);
            EXPECT_TRUE(self().cancel_pending);
            EXPECT_EQ(detail::perform(op), -ECANCELED);
            current_task().uncancel();
        });
        t.await();
    });
    EXPECT_EQ(script().take_log(), log{});
}

TEST_F(perform_test, a_result_that_beats_the_cancel_wins_and_the_cancel_stays) {
    script().next({.result = 6, .after = 3s, .stoppable = false});
    run([&] {
        auto t = create_task([] {
            operation op = recv_of_5();
            EXPECT_EQ(detail::perform(op), 6);
            EXPECT_EQ(clock::now(), time_point(3s));
            EXPECT_TRUE(self().cancel_pending);
            EXPECT_THROW(yield(), cancelled_error);
        });
        sleep(1s);
        t.cancel();
        t.await();
    });
}

TEST_F(perform_test, a_cancel_between_the_result_and_the_wake_up_reaches_no_operation) {
    run([&] {
        auto t = create_task([] {
            operation op = recv_of_5();
            EXPECT_EQ(detail::perform(op), 6);
            EXPECT_TRUE(self().cancel_pending);
            current_task().uncancel();
        });
        yield();
        script().complete(6);
        yield();  // it completes at the end of this turn, and its fiber stands behind us
        t.cancel();
        t.await();
    });
    EXPECT_EQ(script().take_log(),
              (log{"submit recv of descriptor 5", "complete recv of descriptor 5"}));
}

TEST_F(perform_test, a_withdrawn_cancel_goes_unnoticed) {
    script().next({.after = 1h, .stops_after = 5s});
    script().next({.result = 9, .after = 1s});
    run([&] {
        auto t = create_task([] {
            operation op = recv_of_5();
            EXPECT_EQ(detail::perform(op), 9);
            EXPECT_FALSE(self().cancel_pending);
            EXPECT_EQ(clock::now(), time_point(7s));
        });
        sleep(1s);
        t.cancel();
        sleep(1s);
        t.uncancel();
        t.await();
    });
}

TEST_F(perform_test, a_withdrawn_cancel_leaves_the_deadline) {
    script().next({.after = 1h, .stops_after = 1s});
    run([&] {
        auto t = create_task([] {
            operation op = recv_of_5();
            EXPECT_EQ(detail::perform(op, in(10s)), -ETIME);
            EXPECT_EQ(clock::now(), time_point(10s));
        });
        sleep(1s);
        t.cancel();
        t.uncancel();
        t.await();
    });
}

TEST_F(perform_test, a_deferred_cancel_ends_nothing) {
    script().next({.result = 3, .after = 5s});
    run([&] {
        auto t = create_task([] {
            const defer_cancel scope;
            operation op = recv_of_5();
            EXPECT_EQ(detail::perform(op), 3);
            EXPECT_EQ(clock::now(), time_point(5s));
            EXPECT_TRUE(self().cancel_pending);
            current_task().uncancel();
        });
        sleep(1s);
        t.cancel();
        t.await();
    });
    EXPECT_EQ(script().take_log().size(), 2U);
}

TEST_F(perform_test, a_destructor_during_unwinding_waits_undisturbed) {
    script().next({.result = 0, .after = 5s});
    run([&] {
        auto t = create_task([] {
            struct closes {
                ~closes() {
                    operation op = recv_of_5();
                    EXPECT_EQ(detail::perform(op), 0);
                    EXPECT_EQ(clock::now(), time_point(6s));
                }
            };
            const closes at_the_end;
            sleep(1h);
        });
        sleep(1s);
        t.cancel("first");
        sleep(1s);
        t.cancel("second");
        EXPECT_THROW(t.await(), cancelled_error);
    });
}

TEST_F(perform_test, cancel_and_deadline_together_tell_of_the_cancel) {
    run([&] {
        auto t = create_task([] {
            operation op = recv_of_5();
            EXPECT_EQ(detail::perform(op, in(2s)), -ECANCELED);
            EXPECT_TRUE(self().cancel_pending);
            current_task().uncancel();
        });
        yield();
        get_running_loop().call_later(2s, [&] { t.cancel(); });
        t.await();
    });
}

// ------------------------------------------------------------------------------------------ close

TEST_F(perform_test, a_close_is_never_refused_and_never_cut_short) {
    script().next({.result = 0, .after = 5s});
    run([&] {
        auto t = create_task([] {
            current_task().cancel();
            operation op{.what = operation::code::close, .fd = 5};
            EXPECT_EQ(detail::perform(op), 0);
            EXPECT_EQ(clock::now(), time_point(5s));
            EXPECT_TRUE(self().cancel_pending);
            EXPECT_THROW(yield(), cancelled_error);
        });
        sleep(1s);
        t.cancel();
        t.await();
    });
    EXPECT_EQ(script().take_log(),
              (log{"submit close of descriptor 5", "complete close of descriptor 5"}));
}

// -------------------------------------------------------------------------------------------- ops

TEST_F(perform_test, an_operation_throws_for_a_cancel) {
    run([&] {
        char buffer[4];
        auto t = create_task([&] {
            try {
                (void)detail::ops::recv(5, buffer, 4);
                ADD_FAILURE() << "not cancelled";
            } catch (const cancelled_error& e) {
                EXPECT_STREQ(e.what(), "enough");
                throw;
            }
        });
        sleep(1s);
        t.cancel("enough");
        EXPECT_THROW(t.await(), cancelled_error);
    });
}

TEST_F(perform_test, an_accepted_descriptor_is_returned_though_a_cancel_is_pending) {
    script().next({.result = 17, .after = 3s, .stoppable = false});
    run([&] {
        auto t = create_task([] {
            EXPECT_EQ(detail::ops::accept(5, nullptr, nullptr, 0), 17);
            EXPECT_THROW(yield(), cancelled_error);
        });
        sleep(1s);
        t.cancel();
        t.await();
    });
}

TEST_F(perform_test, a_timeout_scope_ends_an_operation) {
    run([] {
        char buffer[4];
        EXPECT_THROW(timeout(2s, [&] { (void)detail::ops::recv(5, buffer, 4); }), timeout_error);
        EXPECT_EQ(clock::now(), time_point(2s));
    });
}

TEST_F(perform_test, an_operation_needs_a_fiber) {
    char buffer[4];
    EXPECT_THROW((void)detail::ops::recv(5, buffer, 4), usage_error);
    run([&] {
        get_running_loop().call_soon(
            [&] { EXPECT_THROW((void)detail::ops::recv(5, buffer, 4), usage_error); });
        yield();
    });
}

// --------------------------------------------------------------------------------- several at once

TEST_F(perform_test, the_first_of_several_ends_the_others) {
    script().next({.after = 1h, .stops_after = 1s});
    script().next({.result = 2, .after = 3s});
    run([] {
        operation ops[] = {recv_of_5(), recv_of_5()};
        EXPECT_EQ(detail::perform_any(ops), 0);
        EXPECT_EQ(ops[0].result, -ECANCELED);
        EXPECT_EQ(ops[1].result, 2);
        EXPECT_EQ(clock::now(), time_point(4s));
    });
}

TEST_F(perform_test, several_end_at_their_deadline) {
    run([] {
        operation ops[] = {recv_of_5(), recv_of_5()};
        EXPECT_EQ(detail::perform_any(ops, in(2s)), -ETIME);
    });
    EXPECT_EQ(script().take_log().size(), 6U);
}

// -------------------------------------------------------------------------------------- the script

TEST_F(perform_test, the_script_says_when_nothing_can_happen) {
    try {
        run([] {
            operation op = recv_of_5();
            detail::perform(op);
        });
        ADD_FAILURE() << "it slept";
    } catch (const std::logic_error& e) {
        EXPECT_STREQ(e.what(), "the loop would sleep for ever; in flight: recv of descriptor 5");
    }
}

TEST_F(perform_test, a_test_can_complete_by_hand) {
    run([&] {
        auto t = create_task([] {
            operation op = recv_of_5();
            return detail::perform(op);
        });
        sleep(1s);
        script().complete(12);
        EXPECT_EQ(t.await(), 12);
    });
}

}  // namespace
}  // namespace brio
