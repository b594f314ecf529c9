// timeout, timeout_at, timeout_scope and wait_for: who wins, what is thrown, what is left behind.

#include "task/story.hpp"

namespace {

using namespace story;

int slow() {
    brio::sleep(10s);
    return 1;
}

// ------------------------------------------------------------------------------------------ timeout

TEST(timeout, returns_what_a_body_in_time_returns) {
    run([] {
        EXPECT_EQ(brio::timeout(20s, slow), 1);
        EXPECT_EQ(brio::timeout_at(brio::clock::now() + 20s, slow), 1);
        EXPECT_EQ(brio::timeout(std::nullopt, slow), 1);
        EXPECT_EQ(brio::timeout_at(std::nullopt, slow), 1);
        EXPECT_EQ(now(), 40'000);
        int number = 0;
        int& same = brio::timeout(1s, [&]() -> int& { return number; });
        EXPECT_EQ(&same, &number);
        EXPECT_EQ(*brio::timeout(1s, [] { return std::make_unique<int>(3); }), 3);
        brio::timeout(1s, [] {});
    });
}

TEST(timeout, throws_when_the_time_is_up) {
    run([] {
        EXPECT_EQ(text_of<brio::timeout_error>([] { brio::timeout(3s, slow); }), "timed out");
        EXPECT_EQ(now(), 3000);
        EXPECT_EQ(brio::current_task().cancelling(), 0);
        brio::sleep(1s);  // nothing of it is left
        EXPECT_THROW(brio::timeout_at(brio::clock::now() + 3s, slow), brio::timeout_error);
        EXPECT_EQ(now(), 7000);
    });
}

TEST(timeout, is_a_system_error_with_the_code_of_a_timeout) {
    const brio::timeout_error e;
    const std::system_error& base = e;
    EXPECT_EQ(base.code(), std::errc::timed_out);
    EXPECT_STREQ(e.what(), "timed out");
}

TEST(timeout, reaches_a_wait_for_a_future_one_turn_after_its_timer) {
    run([] {
        auto f = brio::create_future<void>();
        auto& loop = brio::get_running_loop();
        hops since;
        // Armed first for the same time, so it runs in the timer's turn.
        loop.call_later(3s, [&] { since.restart(); });
        EXPECT_EQ(ending([&] { brio::timeout(3s, [&] { f.await(); }); }), "timeout");
        EXPECT_EQ(since.so_far(), 1);
        EXPECT_TRUE(f.cancelled());
    });
}

TEST(timeout, of_zero_or_less_cancels_at_the_first_suspension_after_two_turns) {
    run([] {
        for (const auto d : {0ms, -1000ms}) {
            hops since;
            EXPECT_EQ(
                ending([&] { brio::timeout(d, [] { brio::create_future<void>().await(); }); }),
                "timeout");
            EXPECT_EQ(since.so_far(), 2);
        }
        EXPECT_EQ(ending([] { brio::timeout(0s, [] { brio::yield(); }); }), "timeout");
    });
}

TEST(timeout, of_zero_lets_a_body_that_never_suspends_return) {
    run([] {
        brio::timeout_scope scope(0s);
        EXPECT_EQ(scope.run([] { return 5; }), 5);
        EXPECT_FALSE(scope.expired());
        brio::yield();
        brio::yield();
    });
}

TEST(timeout, begins_with_run_and_not_with_the_scope) {
    run([] {
        brio::timeout_scope scope(5s);
        EXPECT_EQ(scope.when(), std::nullopt);
        brio::sleep(4s);
        scope.run([&] {
            EXPECT_EQ(scope.when(), brio::time_point(9s));
            brio::sleep(4s);
        });
        EXPECT_FALSE(scope.expired());
    });
}

TEST(timeout, gives_its_scope_to_a_body_that_takes_it) {
    run([] {
        brio::timeout(1s, [](brio::timeout_scope& scope) {
            EXPECT_FALSE(scope.expired());
            EXPECT_EQ(scope.when(), brio::time_point(1s));
        });
    });
}

TEST(timeout, leaves_other_errors_alone) {
    run([] {
        brio::timeout_scope in_time(5s);
        EXPECT_EQ(ending([&] { in_time.run([] { throw std::runtime_error("body"); }); }), "body");
        EXPECT_FALSE(in_time.expired());
        brio::timeout_scope late(5s);
        EXPECT_EQ(ending([&] {
                      late.run([] {
                          try {
                              slow();
                          } catch (const brio::cancelled_error&) {
                              throw std::runtime_error("instead");
                          }
                      });
                  }),
                  "instead");
        EXPECT_TRUE(late.expired());
        EXPECT_EQ(brio::current_task().cancelling(), 0);
    });
}

TEST(timeout, around_code_that_swallows_the_cancel_returns_and_has_expired) {
    run([] {
        brio::timeout_scope scope(5s);
        EXPECT_EQ(scope.run([] {
            try {
                return slow();
            } catch (const brio::cancelled_error&) {
                return 2;
            }
        }),
                  2);
        EXPECT_TRUE(scope.expired());
        EXPECT_EQ(brio::current_task().cancelling(), 0);
        brio::sleep(1s);
    });
}

TEST(timeout, around_a_body_cancelled_by_itself_stays_a_cancel) {
    run([] {
        EXPECT_EQ(ending([] { brio::timeout(5s, [] { throw brio::cancelled_error("own"); }); }),
                  "cancelled(own)");
    });
}

TEST(timeout, loses_to_a_cancel_from_outside_in_the_same_turn) {
    for (const bool cancel_first : {true, false})
        run([&] {
            brio::task<void> t;
            auto& loop = brio::get_running_loop();
            if (cancel_first) loop.call_later(5s, [&] { t.cancel("outside"); });
            t = brio::create_task([] { brio::timeout(5s, slow); });
            brio::yield();
            if (!cancel_first) loop.call_later(5s, [&] { t.cancel("outside"); });
            EXPECT_THAT(ending([&] { t.await(); }), HasSubstr("cancelled"));
            EXPECT_EQ(t.cancelling(), 1);
        });
}

TEST(timeout, that_a_cancel_from_outside_came_before_does_not_throw_timeout) {
    run([] {
        brio::timeout_scope scope(5s);
        auto t = brio::create_task([&] { scope.run(slow); });
        brio::sleep(1s);
        t.cancel("earlier");
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled(earlier)");
        EXPECT_FALSE(scope.expired());
        brio::sleep(10s);
    });
}

TEST(timeout, in_a_task_that_swallowed_a_cancel_before_still_throws_timeout) {
    run([] {
        auto t = brio::create_task([] {
            ending([] { brio::sleep(1h); });
            EXPECT_EQ(brio::current_task().cancelling(), 1);
            const auto how = ending([] { brio::timeout(5s, slow); });
            EXPECT_EQ(brio::current_task().cancelling(), 1);
            return how;
        });
        brio::yield();
        t.cancel();
        EXPECT_EQ(t.await(), "timeout");
    });
}

TEST(timeout, loses_to_a_result_of_the_turn_before) {
    run([] {
        auto f = brio::create_future<int>();
        brio::get_running_loop().call_later(5s, [&] { f.set_result(7); });
        // The wake-up is queued in the turn in which the timer would be due; it comes first.
        EXPECT_EQ(brio::timeout(5s + 1ns, [&] { return f.await(); }), 7);
    });
}

TEST(timeout, wins_over_a_result_of_the_same_turn_before_its_timer) {
    run([] {
        auto f = brio::create_future<int>();
        brio::get_running_loop().call_later(5s, [&] { f.set_result(7); });
        EXPECT_EQ(ending([&] { brio::timeout(5s, [&] { return f.await(); }); }), "timeout");
        EXPECT_EQ(f.result(), 7);
    });
}

TEST(timeout, cancels_the_future_before_a_result_of_the_same_turn_behind_its_timer) {
    run([] {
        auto f = brio::create_future<int>();
        std::string text;
        auto t = brio::create_task(
            [&] { return ending([&] { brio::timeout(5s, [&] { return f.await(); }); }); });
        brio::yield();
        brio::get_running_loop().call_later(
            5s, [&] { text = text_of<brio::invalid_state_error>([&] { f.set_result(7); }); });
        EXPECT_EQ(t.await(), "timeout");
        EXPECT_EQ(text, "set_result: the future is cancelled already");
    });
}

TEST(timeout, equal_to_the_sleep_inside_comes_first) {
    run([] { EXPECT_EQ(ending([] { brio::timeout(1s, [] { brio::sleep(1s); }); }), "timeout"); });
}

TEST(timeout, waits_for_the_clean_up_inside) {
    run([] {
        EXPECT_EQ(ending([] {
                      brio::timeout(5s, [] {
                          try {
                              slow();
                          } catch (const brio::cancelled_error&) {
                              brio::sleep(2s);
                              throw;
                          }
                      });
                  }),
                  "timeout");
        EXPECT_EQ(now(), 7000);
    });
}

// --------------------------------------------------------------------------------- nested timeouts

TEST(nested_timeouts, the_inner_one_first) {
    run([] {
        brio::timeout_scope outer(5s), inner(2s);
        outer.run([&] {
            EXPECT_EQ(ending([&] { inner.run(slow); }), "timeout");
            EXPECT_EQ(now(), 2000);
            brio::sleep(1s);
        });
        EXPECT_TRUE(inner.expired());
        EXPECT_FALSE(outer.expired());
    });
}

TEST(nested_timeouts, the_outer_one_first) {
    run([] {
        brio::timeout_scope outer(2s), inner(5s);
        EXPECT_EQ(ending([&] {
                      outer.run([&] {
                          EXPECT_EQ(ending([&] { inner.run(slow); }), "cancelled");
                          throw brio::cancelled_error();
                      });
                  }),
                  "timeout");
        EXPECT_TRUE(outer.expired());
        EXPECT_FALSE(inner.expired());
        EXPECT_EQ(now(), 2000);
        brio::sleep(10s);
    });
}

TEST(nested_timeouts, in_one_turn_only_the_outer_throws) {
    run([] {
        brio::timeout_scope outer(2s), inner(2s);
        std::string from_inner;
        EXPECT_EQ(ending([&] {
                      outer.run([&] {
                          try {
                              inner.run(slow);
                          } catch (const brio::timeout_error&) {
                              from_inner = "timeout";
                              throw;
                          } catch (const brio::cancelled_error&) {
                              from_inner = "cancelled";
                              throw;
                          }
                      });
                  }),
                  "timeout");
        EXPECT_EQ(from_inner, "cancelled");
        EXPECT_TRUE(inner.expired());
        EXPECT_TRUE(outer.expired());
        EXPECT_EQ(brio::current_task().cancelling(), 0);
    });
}

TEST(nested_timeouts, the_outer_one_during_the_clean_up_of_the_inner) {
    run([] {
        brio::timeout_scope outer(3s), inner(2s);
        EXPECT_EQ(ending([&] {
                      outer.run([&] {
                          inner.run([] {
                              try {
                                  slow();
                              } catch (const brio::cancelled_error&) {
                                  brio::sleep(5s);
                              }
                          });
                      });
                  }),
                  "timeout");
        EXPECT_EQ(now(), 3000);
        EXPECT_TRUE(outer.expired());
        EXPECT_TRUE(inner.expired());
        EXPECT_EQ(brio::current_task().cancelling(), 0);
    });
}

// --------------------------------------------------------------------------------------- reschedule

TEST(reschedule, moves_the_deadline_both_ways) {
    run([] {
        EXPECT_EQ(brio::timeout(1s,
                                [](brio::timeout_scope& scope) {
                                    scope.reschedule(brio::clock::now() + 20s);
                                    EXPECT_EQ(scope.when(), brio::time_point(20s));
                                    return slow();
                                }),
                  1);
        EXPECT_EQ(now(), 10'000);
        EXPECT_EQ(ending([] {
                      brio::timeout(1h, [](brio::timeout_scope& scope) {
                          scope.reschedule(brio::clock::now() + 1s);
                          slow();
                      });
                  }),
                  "timeout");
        EXPECT_EQ(now(), 11'000);
    });
}

TEST(reschedule, to_none_takes_the_limit_away) {
    run([] {
        EXPECT_EQ(brio::timeout(1s,
                                [](brio::timeout_scope& scope) {
                                    scope.reschedule(std::nullopt);
                                    EXPECT_EQ(scope.when(), std::nullopt);
                                    return slow();
                                }),
                  1);
    });
}

TEST(reschedule, into_the_past_ends_the_body_in_the_next_turn) {
    run([] {
        hops since;
        EXPECT_EQ(ending([&] {
                      brio::timeout(std::nullopt, [&](brio::timeout_scope& scope) {
                          brio::sleep(3s);
                          since.restart();
                          scope.reschedule(brio::clock::now() - 1s);
                          brio::create_future<void>().await();
                      });
                  }),
                  "timeout");
        EXPECT_EQ(since.so_far(), 2);
        EXPECT_EQ(now(), 3000);
    });
}

TEST(reschedule, by_somebody_else_keeps_a_busy_body_alive) {
    run([] {
        brio::timeout_scope idle(5s);
        auto feeder = brio::create_task([&] {
            for (int i = 0; i < 4; ++i) {
                brio::sleep(3s);
                idle.reschedule(brio::clock::now() + 5s);
            }
        });
        EXPECT_EQ(ending([&] { idle.run([] { brio::sleep(1h); }); }), "timeout");
        EXPECT_EQ(now(), 17'000);
        feeder.await();
    });
}

TEST(reschedule, is_refused_before_the_run_when_the_time_is_up_and_behind_the_run) {
    run([] {
        const auto text = [](brio::timeout_scope& s) {
            return text_of<brio::usage_error>([&] { s.reschedule(std::nullopt); });
        };
        brio::timeout_scope scope(5s);
        EXPECT_EQ(text(scope), "timeout_scope::reschedule: run() has not begun");
        EXPECT_EQ(ending([&] {
                      scope.run([&] {
                          try {
                              slow();
                          } catch (const brio::cancelled_error&) {
                              EXPECT_EQ(text(scope),
                                        "timeout_scope::reschedule: the time is up already");
                              throw;
                          }
                      });
                  }),
                  "timeout");
        EXPECT_EQ(text(scope), "timeout_scope::reschedule: run() has ended");
        brio::timeout_scope in_time(5s);
        in_time.run([] {});
        EXPECT_EQ(text(in_time), "timeout_scope::reschedule: run() has ended");
    });
}

TEST(timeout_scope, is_refused_a_second_run_and_outside_a_task) {
    run([] {
        brio::timeout_scope scope(5s);
        scope.run([&] {
            EXPECT_EQ(text_of<brio::usage_error>([&] { scope.run([] {}); }),
                      "timeout_scope::run: it has been entered already");
        });
        EXPECT_EQ(text_of<brio::usage_error>([&] { scope.run([] {}); }),
                  "timeout_scope::run: it has been entered already");
    });
    brio::timeout_scope outside(5s);
    EXPECT_THAT(text_of<brio::usage_error>([&] { outside.run([] {}); }),
                HasSubstr("timeout_scope::run suspends, so it must be called in a task"));
}

// ------------------------------------------------------------------------------------------ wait_for

TEST(wait_for, runs_a_callable_in_the_calling_task) {
    run([] {
        const auto self = brio::current_task();
        hops since;
        EXPECT_TRUE(brio::wait_for([&] { return brio::current_task() == self; }, 1s));
        EXPECT_EQ(since.so_far(), 0);
        EXPECT_EQ(brio::wait_for(slow, std::nullopt), 1);
        EXPECT_EQ(brio::wait_for(slow, 20s), 1);
    });
}

TEST(wait_for, of_a_future_or_task_resumes_one_turn_after_its_end) {
    run([] {
        hops since;
        auto t = brio::create_task([&] {
            brio::sleep(1s);
            since.restart();
            return std::string("result");
        });
        const std::string& view = brio::wait_for(t, 5s);
        EXPECT_EQ(since.so_far(), 1);
        EXPECT_EQ(&view, &t.result());
        static_assert(std::is_same_v<decltype(brio::wait_for(std::move(t), 5s)), std::string>);
    });
}

TEST(wait_for, cancels_the_task_when_the_time_is_up_and_waits_for_its_end) {
    run([] {
        auto t = brio::create_task([] {
            try {
                slow();
            } catch (const brio::cancelled_error&) {
                brio::sleep(2s);
                throw;
            }
        });
        EXPECT_EQ(ending([&] { brio::wait_for(t, 5s); }), "timeout");
        EXPECT_EQ(now(), 7000);
        EXPECT_TRUE(t.cancelled());
    });
}

TEST(wait_for, of_a_task_takes_two_turns_behind_the_timer_and_of_a_future_one) {
    run([] {
        auto& loop = brio::get_running_loop();
        hops since;
        auto f = brio::create_future<void>();
        loop.call_later(5s, [&] { since.restart(); });
        EXPECT_EQ(ending([&] { brio::wait_for(f, 5s); }), "timeout");
        EXPECT_EQ(since.so_far(), 1);
        auto t = brio::create_task([] { brio::create_future<void>().await(); });
        loop.call_later(5s, [&] { since.restart(); });
        EXPECT_EQ(ending([&] { brio::wait_for(t, 5s); }), "timeout");
        EXPECT_EQ(since.so_far(), 2);
    });
}

TEST(wait_for, returns_the_value_of_a_task_that_swallows_the_cancel) {
    run([] {
        auto t = brio::create_task([] {
            try {
                return slow();
            } catch (const brio::cancelled_error&) {
                return 2;
            }
        });
        EXPECT_EQ(brio::wait_for(t, 5s), 2);
        auto failing = brio::create_task([]() -> int {
            try {
                return slow();
            } catch (const brio::cancelled_error&) {
                throw std::runtime_error("instead");
            }
        });
        EXPECT_EQ(ending([&] { brio::wait_for(failing, 5s); }), "instead");
    });
}

TEST(wait_for, passes_a_cancel_on_to_the_task) {
    run([] {
        auto inner = brio::create_task([] { slow(); });
        auto outer = brio::create_task([&] { brio::wait_for(inner, 1h); });
        turns(2);
        outer.cancel("through");
        EXPECT_EQ(ending([&] { outer.await(); }), "cancelled(through)");
        EXPECT_TRUE(inner.cancelled());
    });
}

TEST(wait_for, with_no_time_gives_what_is_done_and_cancels_what_is_not) {
    run([] {
        hops since;
        auto done = brio::create_future<int>();
        done.set_result(4);
        EXPECT_EQ(brio::wait_for(done, 0s), 4);
        EXPECT_EQ(since.so_far(), 0);
        auto failed = brio::create_future<int>();
        failed.set_exception(std::runtime_error("failed before"));
        EXPECT_EQ(ending([&] { brio::wait_for(failed, -1s); }), "failed before");
        auto cancelled = brio::create_future<int>();
        cancelled.cancel("before");
        EXPECT_EQ(ending([&] { brio::wait_for(cancelled, 0s); }), "cancelled(before)");

        auto pending = brio::create_future<int>();
        since.restart();
        EXPECT_EQ(ending([&] { brio::wait_for(pending, 0s); }), "timeout");
        EXPECT_EQ(since.so_far(), 2);
        EXPECT_TRUE(pending.cancelled());

        bool started = false;
        since.restart();
        EXPECT_EQ(ending([&] { brio::wait_for([&] { started = true; }, 0s); }), "timeout");
        EXPECT_EQ(since.so_far(), 3);
        EXPECT_FALSE(started);
    });
}

TEST(wait_for, with_no_time_gives_the_value_of_a_task_that_swallows_the_cancel) {
    run([] {
        auto t = brio::create_task([] {
            try {
                return slow();
            } catch (const brio::cancelled_error&) {
                brio::sleep(1s);
                return 2;
            }
        });
        brio::yield();
        EXPECT_EQ(brio::wait_for(t, 0s), 2);
        EXPECT_EQ(now(), 1000);
    });
}

TEST(wait_for, with_no_time_lets_a_cancel_of_the_waiting_task_through) {
    run([] {
        auto stubborn = brio::create_task([] {
            try {
                slow();
            } catch (const brio::cancelled_error&) {
                brio::sleep(5s);
                throw;
            }
        });
        auto waiter = brio::create_task([&] { brio::wait_for(stubborn, 0s); });
        brio::sleep(1s);
        waiter.cancel("outside");
        EXPECT_EQ(ending([&] { waiter.await(); }), "cancelled(outside)");
        EXPECT_EQ(now(), 1000);
        EXPECT_EQ(ending([&] { stubborn.await(); }), "cancelled");
    });
}

TEST(wait_for, a_move_only_result_moves_it_out) {
    run([] {
        auto t = brio::create_task([] { return std::make_unique<int>(9); });
        const std::unique_ptr<int> taken = brio::wait_for(std::move(t), 5s);
        EXPECT_EQ(*taken, 9);
        const std::unique_ptr<int> late =
            brio::wait_for(brio::create_task([] { return std::make_unique<int>(8); }), 5s);
        EXPECT_EQ(*late, 8);
    });
}

}  // namespace
