// The loop as a user sees it: call_soon and its kin, stop, run_until_complete, run_forever.

#include "task/story.hpp"

namespace {

using namespace story;

// --------------------------------------------------------------------------------------- call_soon

TEST(call_soon, calls_in_the_next_turn_in_order) {
    run([] {
        auto& loop = brio::get_running_loop();
        lines seen;
        hops since;
        for (const char* what : {"a", "b", "c"})
            loop.call_soon([&, what] { seen.push_back(what + std::to_string(since.so_far())); });
        EXPECT_THAT(seen, IsEmpty());
        brio::yield();
        EXPECT_THAT(seen, ElementsAre("a1", "b1", "c1"));
    });
}

TEST(call_soon, from_a_callback_waits_for_the_turn_after) {
    run([] {
        auto& loop = brio::get_running_loop();
        lines seen;
        hops since;
        loop.call_soon([&] {
            seen.push_back("outer " + std::to_string(since.so_far()));
            loop.call_soon([&] { seen.push_back("inner " + std::to_string(since.so_far())); });
        });
        turns(2);
        EXPECT_THAT(seen, ElementsAre("outer 1", "inner 2"));
    });
}

TEST(call_soon, takes_what_can_only_be_moved) {
    run([] {
        int seen = 0;
        brio::get_running_loop().call_soon(
            [&, owned = std::make_unique<int>(4)] { seen = *owned; });
        brio::yield();
        EXPECT_EQ(seen, 4);
    });
}

TEST(call_soon, reports_what_the_callback_throws_and_goes_on) {
    run([] {
        const reports handler;
        auto& loop = brio::get_running_loop();
        bool called = false;
        loop.call_soon([] { throw std::runtime_error("bad callback"); });
        loop.call_soon([&] { called = true; });
        brio::yield();
        EXPECT_TRUE(called);
        EXPECT_THAT(handler.told(), ElementsAre("exception in a callback | bad callback"));
    });
}

TEST(callback_handle, cancels_a_callback_that_has_not_run) {
    run([] {
        auto& loop = brio::get_running_loop();
        auto token = std::make_shared<int>();
        const auto h = loop.call_soon([token] { FAIL(); });
        EXPECT_EQ(token.use_count(), 2);
        EXPECT_FALSE(h.cancelled());
        EXPECT_EQ(h.when(), std::nullopt);
        h.cancel();
        EXPECT_TRUE(h.cancelled());
        EXPECT_EQ(token.use_count(), 1);
        h.cancel();
        brio::yield();
    });
}

TEST(callback_handle, cancels_a_callback_whose_turn_has_come_already) {
    run([] {
        auto& loop = brio::get_running_loop();
        brio::callback_handle second;
        loop.call_soon([&] { second.cancel(); });
        second = loop.call_soon([] { FAIL(); });
        brio::yield();
        EXPECT_TRUE(second.cancelled());
    });
}

TEST(callback_handle, may_cancel_the_callback_that_runs) {
    run([] {
        auto& loop = brio::get_running_loop();
        brio::callback_handle own;
        int calls = 0;
        own = loop.call_soon([&] {
            ++calls;
            own.cancel();
            own = {};
        });
        brio::yield();
        EXPECT_EQ(calls, 1);
    });
}

TEST(callback_handle, outlives_the_loop) {
    brio::callback_handle soon, later;
    auto token = std::make_shared<int>();
    run([&] {
        later = brio::get_running_loop().call_later(1h, [token] { FAIL(); });
        soon = brio::get_running_loop().call_soon([token] {});
    });
    EXPECT_EQ(token.use_count(), 1);
    later.cancel();
    EXPECT_TRUE(later.cancelled());
    EXPECT_TRUE(later.when().has_value());
    soon.cancel();
}

TEST(callback_handle, that_is_empty_does_nothing) {
    const brio::callback_handle none;
    none.cancel();
    EXPECT_FALSE(none.cancelled());
    EXPECT_EQ(none.when(), std::nullopt);
}

// ----------------------------------------------------------------------------- call_later, call_at

TEST(call_later, calls_in_the_turn_in_which_the_time_has_come) {
    run([] {
        auto& loop = brio::get_running_loop();
        lines seen;
        const auto h = loop.call_later(2s, [&] { seen.push_back("at " + std::to_string(now())); });
        EXPECT_EQ(h.when(), loop.time() + 2s);
        brio::sleep(1s);
        EXPECT_THAT(seen, IsEmpty());
        brio::sleep(1s);
        EXPECT_THAT(seen, ElementsAre("at 2000"));
    });
}

TEST(call_later, of_zero_or_less_comes_in_the_next_turn_behind_what_is_ready) {
    run([] {
        auto& loop = brio::get_running_loop();
        lines seen;
        hops since;
        const auto note = [&](const char* what) {
            return [&, what] { seen.push_back(what + std::to_string(since.so_far())); };
        };
        loop.call_later(0s, note("zero "));
        loop.call_later(-1s, note("negative "));
        loop.call_soon(note("soon "));
        brio::yield();
        brio::yield();
        // Heap order: the one that was due earlier is first.
        EXPECT_THAT(seen, ElementsAre("soon 1", "negative 1", "zero 1"));
    });
}

TEST(call_later, calls_equal_times_in_the_order_of_the_calls) {
    run([] {
        auto& loop = brio::get_running_loop();
        lines seen;
        const auto when = loop.time() + 1s;
        for (int i = 0; i < 20; ++i)
            loop.call_at(when, [&, i] { seen.push_back(std::to_string(i)); });
        brio::sleep(2s);
        lines expected;
        for (int i = 0; i < 20; ++i) expected.push_back(std::to_string(i));
        EXPECT_EQ(seen, expected);
    });
}

TEST(call_later, can_be_cancelled_before_its_time_and_in_the_turn_of_it) {
    run([] {
        auto& loop = brio::get_running_loop();
        auto token = std::make_shared<int>();
        const auto early = loop.call_later(1s, [token] { FAIL(); });
        brio::callback_handle same_turn;
        loop.call_later(2s, [&] { same_turn.cancel(); });
        same_turn = loop.call_later(2s, [token] { FAIL(); });
        early.cancel();
        EXPECT_EQ(token.use_count(), 2);
        brio::sleep(3s);
        EXPECT_EQ(token.use_count(), 1);
    });
}

TEST(call_later, that_is_cancelled_does_not_keep_the_clock_waiting) {
    run([] {
        const auto h = brio::get_running_loop().call_later(1h, [] { FAIL(); });
        brio::get_running_loop().call_later(2h, [] { FAIL(); }).cancel();
        h.cancel();
        brio::sleep(1s);
        EXPECT_EQ(now(), 1000);
    });
}

TEST(call_later, reports_what_the_callback_throws) {
    run([] {
        const reports handler;
        brio::get_running_loop().call_later(1s, [] { throw 5; });
        std::string thrown;
        brio::get_running_loop().set_exception_handler([&](const brio::exception_report& r) {
            try {
                std::rethrow_exception(r.exception);
            } catch (int n) {
                thrown = std::to_string(n);
            }
        });
        brio::sleep(2s);
        EXPECT_EQ(thrown, "5");
    });
}

TEST(call_later, needs_a_time) {
    run([] {
        auto& loop = brio::get_running_loop();
        EXPECT_EQ(text_of<std::invalid_argument>([&] { loop.call_later(std::nullopt, [] {}); }),
                  "call_later: the delay is none");
        EXPECT_EQ(text_of<std::invalid_argument>([&] { loop.call_at(std::nullopt, [] {}); }),
                  "call_at: the deadline is none");
    });
}

// ------------------------------------------------------------------------------------ get_running_loop

TEST(get_running_loop, is_the_loop_that_runs_or_an_error) {
    EXPECT_EQ(brio::running_loop_or_null(), nullptr);
    EXPECT_EQ(text_of<brio::usage_error>([] { static_cast<void>(brio::get_running_loop()); }),
              "get_running_loop needs a running loop on this thread: brio::run");
    brio::testing::runner r;
    auto& loop = r.get_loop();
    EXPECT_FALSE(loop.is_running());
    r.run([&] {
        EXPECT_EQ(&brio::get_running_loop(), &loop);
        EXPECT_EQ(brio::running_loop_or_null(), &loop);
        EXPECT_EQ(&brio::current_task().get_loop(), &loop);
        EXPECT_TRUE(loop.is_running());
        EXPECT_FALSE(loop.is_closed());
    });
    EXPECT_EQ(brio::running_loop_or_null(), nullptr);
    r.close();
    EXPECT_TRUE(loop.is_closed());
}

TEST(time, starts_at_zero_on_a_virtual_clock_and_jumps_to_the_next_timer) {
    run([] {
        auto& loop = brio::get_running_loop();
        EXPECT_EQ(loop.time(), brio::time_point());
        EXPECT_EQ(brio::clock::now(), loop.time());
        turns(100);
        EXPECT_EQ(loop.time(), brio::time_point());
        brio::sleep(24h);
        EXPECT_EQ(loop.time(), brio::time_point(24h));
    });
}

// -------------------------------------------------------------------------------- stop, run_forever

TEST(stop, ends_the_loop_behind_the_turn_under_way) {
    brio::testing::runner r;
    auto& loop = r.get_loop();
    lines seen;
    loop.call_soon([&] {
        seen.push_back("stops");
        loop.stop();
        loop.call_soon([&] { seen.push_back("next run"); });
    });
    loop.call_soon([&] { seen.push_back("same turn"); });
    loop.run_forever();
    EXPECT_THAT(seen, ElementsAre("stops", "same turn"));
    loop.stop();
    loop.run_forever();
    EXPECT_THAT(seen, ElementsAre("stops", "same turn", "next run"));
}

TEST(stop, before_the_loop_runs_gives_it_one_turn_that_does_not_wait) {
    brio::testing::runner r;
    auto& loop = r.get_loop();
    int calls = 0;
    loop.call_soon([&] {
        ++calls;
        loop.call_soon([&] { ++calls; });
    });
    loop.call_later(1h, [&] { FAIL(); });
    loop.stop();
    loop.run_forever();
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(loop.time(), brio::time_point());
}

TEST(stop, before_the_future_is_done_makes_run_until_complete_throw) {
    brio::testing::runner r;
    auto& loop = r.get_loop();
    auto f = loop.create_future<int>();
    loop.call_soon([&] { loop.stop(); });
    EXPECT_EQ(text_of<brio::usage_error>([&] { loop.run_until_complete(f); }),
              "run_until_complete: the loop was stopped before the future was done");
    // What it had added has gone: the next run is not stopped by it.
    loop.call_soon([&] {
        f.set_result(1);
        loop.call_later(1s, [&] { loop.stop(); });
    });
    loop.run_forever();
    EXPECT_EQ(loop.time(), brio::time_point(1s));
}

TEST(stop, in_a_task_ends_the_loop_and_the_next_run_goes_on) {
    brio::testing::runner r;
    auto& loop = r.get_loop();
    lines seen;
    auto t = loop.create_task([&] {
        seen.push_back("before");
        loop.stop();
        brio::sleep(1s);
        seen.push_back("after");
    });
    loop.run_forever();
    EXPECT_THAT(seen, ElementsAre("before"));
    loop.run_until_complete(t);
    EXPECT_THAT(seen, ElementsAre("before", "after"));
}

TEST(run_forever, is_refused_where_a_loop_runs) {
    run([] {
        EXPECT_EQ(text_of<brio::usage_error>([] { brio::get_running_loop().run_forever(); }),
                  "run_forever: a loop is running on this thread already");
        brio::testing::runner other;
        EXPECT_EQ(text_of<brio::usage_error>([&] { other.get_loop().run_forever(); }),
                  "run_forever: a loop is running on this thread already");
    });
}

// ------------------------------------------------------------------------------- run_until_complete

TEST(run_until_complete, returns_what_a_future_a_task_or_a_callable_gives) {
    brio::testing::runner r;
    auto& loop = r.get_loop();
    auto f = loop.create_future<std::string>();
    loop.call_later(1s, [&] { f.set_result("future"); });
    EXPECT_EQ(loop.run_until_complete(f), "future");
    EXPECT_EQ(loop.run_until_complete(f), "future");
    auto t = loop.create_task([] { return std::make_unique<int>(2); });
    EXPECT_EQ(*loop.run_until_complete(t), 2);
    EXPECT_EQ(loop.run_until_complete([] {
        brio::sleep(1s);
        return 3;
    }),
              3);
    EXPECT_EQ(text_of<std::runtime_error>(
                  [&] { loop.run_until_complete([] { throw std::runtime_error("out"); }); }),
              "out");
}

TEST(run_until_complete, twice_on_one_loop_keeps_tasks_and_time) {
    brio::testing::runner r;
    auto& loop = r.get_loop();
    lines seen;
    auto background = loop.create_task([&] {
        for (int i = 0; i < 3; ++i) {
            brio::sleep(1s);
            seen.push_back("tick at " + std::to_string(now()));
        }
    });
    loop.run_until_complete([] { brio::sleep(1500ms); });
    EXPECT_THAT(seen, ElementsAre("tick at 1000"));
    loop.run_until_complete(background);
    EXPECT_THAT(seen, ElementsAre("tick at 1000", "tick at 2000", "tick at 3000"));
}

TEST(run_until_complete, lets_the_turn_after_the_end_run_whole) {
    brio::testing::runner r;
    auto& loop = r.get_loop();
    lines seen;
    loop.run_until_complete([&] {
        loop.call_soon([&] {
            seen.push_back("one turn later");
            loop.call_soon([&] { seen.push_back("two turns later"); });
        });
    });
    EXPECT_THAT(seen, ElementsAre("one turn later"));
    loop.run_until_complete([] {});
    EXPECT_THAT(seen, ElementsAre("one turn later", "two turns later"));
}

TEST(run_until_complete, runs_tasks_that_were_made_before_the_loop_ran) {
    brio::testing::runner r;
    auto& loop = r.get_loop();
    lines seen;
    auto a = loop.create_task([&] { seen.push_back("a"); });
    auto b = loop.create_task([&] { seen.push_back("b"); });
    loop.run_until_complete([&] { seen.push_back("main"); });
    EXPECT_THAT(seen, ElementsAre("a", "b", "main"));
    EXPECT_TRUE(a.done() && b.done());
}

TEST(run_until_complete, of_another_loop_s_future_is_refused) {
    brio::testing::runner first, second;
    auto f = first.get_loop().create_future<int>();
    EXPECT_EQ(text_of<brio::usage_error>([&] { second.get_loop().run_until_complete(f); }),
              "run_until_complete: the future belongs to another loop");
}

TEST(run_until_complete, inside_a_running_loop_throws_and_leaves_that_loop_alone) {
    run([] {
        auto done = brio::create_future<int>();
        done.set_result(1);
        auto& loop = brio::get_running_loop();
        EXPECT_EQ(text_of<brio::usage_error>([&] { loop.run_until_complete(done); }),
                  "run_until_complete: a loop is running on this thread already");
        bool called = false;
        EXPECT_EQ(
            text_of<brio::usage_error>([&] { loop.run_until_complete([&] { called = true; }); }),
            "run_until_complete: a loop is running on this thread already");
        turns(5);
        EXPECT_FALSE(called);
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

TEST(run_until_complete, of_what_can_never_be_done_throws_on_a_virtual_clock) {
    brio::testing::runner r;
    auto& loop = r.get_loop();
    auto f = loop.create_future<int>();
    EXPECT_EQ(text_of<brio::testing::deadlock_error>([&] { loop.run_until_complete(f); }),
              "every task waits, nothing is ready and no timer is armed: this can never go on");
    f.set_result(1);
    EXPECT_EQ(loop.run_until_complete(f), 1);
}

// -------------------------------------------------------------------------------------- a closed loop

TEST(closed_loop, refuses_everything_that_would_need_it) {
    brio::testing::runner r;
    auto& loop = r.get_loop();
    r.close();
    const auto text = [](auto&& call) { return text_of<brio::usage_error>(call); };
    EXPECT_EQ(text([&] { loop.call_soon([] {}); }), "call_soon: the loop is closed");
    EXPECT_EQ(text([&] { loop.call_later(1s, [] {}); }), "call_later: the loop is closed");
    EXPECT_EQ(text([&] { loop.call_at(brio::clock::now(), [] {}); }),
              "call_at: the loop is closed");
    EXPECT_EQ(text([&] { loop.create_task([] {}); }), "create_task: the loop is closed");
    EXPECT_EQ(text([&] { loop.run_forever(); }), "run_forever: the loop is closed");
    EXPECT_EQ(text([&] { loop.run_until_complete([] {}); }),
              "run_until_complete: the loop is closed");
    EXPECT_EQ(text([&] { loop.call_soon_threadsafe([] {}); }),
              "call_soon_threadsafe: the loop is closed");
    EXPECT_EQ(text([&] { r.run([] {}); }), "run: the loop is closed");
    EXPECT_EQ(text([&] { static_cast<void>(r.get_loop()); }),
              "runner::get_loop: the loop is closed");
}

TEST(closed_loop, has_dropped_what_was_queued_and_armed) {
    auto token = std::make_shared<int>();
    {
        brio::testing::runner r;
        auto& loop = r.get_loop();
        loop.call_soon([token] { FAIL(); });
        loop.call_later(1s, [token] { FAIL(); });
        loop.call_soon_threadsafe([token] { FAIL(); });
        EXPECT_EQ(token.use_count(), 4);
        r.close();
        EXPECT_EQ(token.use_count(), 1);
    }
}

/// A future that is never set and that nobody but those who watch it knows any more.
template <class F>
void expect_let_go(F watch) {
    auto token = std::make_shared<int>();
    {
        brio::testing::runner r;
        r.run([&] {
            auto f = brio::create_future<int>();
            f.add_done_callback([token](const brio::any_future&) {});
            watch(f);
        });
        EXPECT_EQ(token.use_count(), 2);
        r.close();
        EXPECT_EQ(token.use_count(), 1);
    }
}

TEST(closed_loop, lets_go_of_a_gather_of_what_is_never_done) {
    expect_let_go([](auto& f) { auto dropped = brio::gather(f); });
    expect_let_go([](auto& f) { auto dropped = brio::gather(brio::return_exceptions, f, f); });
}

TEST(closed_loop, lets_go_of_a_gather_of_gathers_of_what_is_never_done) {
    expect_let_go([](auto& f) { auto dropped = brio::gather(brio::gather(f), brio::gather(f)); });
}

TEST(closed_loop, lets_go_of_a_shield_of_what_is_never_done) {
    expect_let_go([](auto& f) { auto dropped = brio::shield(f); });
    expect_let_go([](auto& f) { auto dropped = brio::shield(brio::gather(brio::shield(f))); });
}

TEST(closed_loop, lets_go_of_a_gather_of_done_and_pending_children) {
    expect_let_go([](auto& f) {
        auto dropped = brio::gather(brio::create_task([] {}), f);
        brio::yield();
    });
}

TEST(closed_loop, can_be_given_a_gather_that_is_never_done) {
    auto token = std::make_shared<int>();
    {
        brio::testing::runner r;
        auto f = r.get_loop().create_future<int>();
        f.add_done_callback([token](const brio::any_future&) {});
        r.close();
        auto dropped = brio::gather(std::vector{f});
    }
    EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
