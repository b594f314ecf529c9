// Each row of symbols.def that waits, played by a C program that knows nothing of Brio.

#include "posix/symbols.hpp"

#include "posix/blocking_calls.h"
#include "posix/fibers.hpp"

#include <brio/posix.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <netdb.h>
#include <string_view>
#include <sys/ioctl.h>
#include <vector>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;
using testing::AnyOf;
using testing::HasSubstr;

std::vector<const blocking_call*> all_calls() {
    std::vector<const blocking_call*> all;
    for (int i = 0; i < blocking_call_count; ++i) all.push_back(&blocking_calls[i]);
    for (int i = 0; i < blocking_lock_count; ++i) all.push_back(&blocking_locks[i]);
    for (int i = 0; i < blocking_stdio_count; ++i) all.push_back(&blocking_stdio[i]);
    for (int i = 0; i < blocking_file_count; ++i) all.push_back(&blocking_files[i]);
    for (int i = 0; i < blocking_look_up_count; ++i) all.push_back(&blocking_look_ups[i]);
    return all;
}

class each_call : public testing::TestWithParam<const blocking_call*> {
protected:
    each_call() { call().prepare(&scene_); }
    ~each_call() override { clear_scene(&scene_); }
    void SetUp() override {
        if (is_stdio() && !has_known_stdio()) GTEST_SKIP() << "stdio of another libc";
        ASSERT_TRUE(brio::posix::suspends(call().symbol));
    }
    static const blocking_call& call() { return *GetParam(); }
    observed play() {
        return observe([&] { return call().call(&scene_); });
    }
    void release() {
        if (call().release != nullptr) call().release(&scene_);
    }
    bool is(std::string_view symbol) { return symbol == call().symbol; }
    bool sleeps() {
        return std::string_view(call().symbol).find("sleep") != std::string_view::npos;
    }
    bool is_stdio() {
        return std::any_of(blocking_stdio, blocking_stdio + blocking_stdio_count,
                           [&](const blocking_call& c) { return is(c.symbol); });
    }
    bool looks_up() {
        return std::any_of(blocking_look_ups, blocking_look_ups + blocking_look_up_count,
                           [&](const blocking_call& c) { return is(c.symbol); });
    }
    /// No cancel reaches it.
    bool is_made_whole() {
        return is_not_cut_short() || call().ending == ends_whole || call().ending == ends_elsewhere;
    }
    /// What can have been taken in part.
    bool has_parts() { return call().expected == big_size; }

    /// As symbols.def has it.
    bool is_not_cut_short() {
        const auto rows = brio::detail::posix::symbols();
        return std::any_of(rows.begin(), rows.end(), [&](const auto& row) {
            return is(row.name) && row.when_cancelled == std::string_view("is not cut short");
        });
    }
    /// Likewise: what a cancelled fiber gets.
    observed when_cancelled() {
        if (is("thrd_sleep")) return {-2, 0};
        if (is("sleep")) return {1000, 0};
        if (is("clock_nanosleep")) return {ECANCELED, 0};
        if (is("sigwait")) return {ECANCELED, ECANCELED};
        if (is("getaddrinfo") || is("getnameinfo")) return {EAI_SYSTEM, ECANCELED};
        if (looks_up() && std::string_view(call().symbol).ends_with("_r"))
            return {ECANCELED, ECANCELED};
        return {-1, ECANCELED};
    }

    scene scene_;
};

/// Whether the task ends; it is given time, for a cancel may have to find a thread of the kernel.
template <class T>
bool ends(const brio::task<T>& t) {
    for (int i = 0; i < 10'000 && !t.done(); ++i) brio::sleep(1ms);
    return t.done();
}

// Sleeps are played on a virtual clock, so that they end.
template <class F>
auto run_on_clock_of(bool sleeps, F&& main) {
    return sleeps ? brio::testing::run(main) : brio::run(main);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(symbols, each_call, testing::ValuesIn(all_calls()),
                         [](const auto& info) { return std::string(info.param->symbol); });

TEST_P(each_call, suspends_the_fiber_and_not_the_thread) {
    const observed seen = run_on_clock_of(sleeps(), [&] {
        bool other_ran = false;
        bool ran_meanwhile = false;
        auto blocked = brio::create_task([&] {
            const observed answer = play();
            ran_meanwhile = other_ran;
            return answer;
        });
        auto other = brio::create_task([&] { other_ran = true; });
        brio::yield();
        EXPECT_TRUE(!blocked.done() || call().ending == ends_whole ||
                    call().ending == ends_elsewhere);
        release();
        const observed answer = blocked.await();
        EXPECT_TRUE(ran_meanwhile || call().ending == ends_whole);
        other.await();
        return answer;
    });
    EXPECT_EQ(seen, (observed{call().expected, 0}));
}

TEST_P(each_call, answers_on_a_plain_thread_what_it_answers_on_a_fiber) {
    if (sleeps()) GTEST_SKIP() << "takes as long as it says";
    if (is("pause")) GTEST_SKIP() << "misses a signal that comes before it";
    observed seen = {};
    std::thread plain([&] { seen = play(); });
    release();
    plain.join();
    // Look-ups may leave anything in errno.
    EXPECT_EQ(seen.result, call().expected);
}

TEST_P(each_call, fails_when_it_is_cancelled_and_again_when_it_is_called_again) {
    std::vector<observed> seen;
    run_on_clock_of(sleeps(), [&] {
        auto blocked = brio::create_task([&] {
            seen.push_back(play());
            if (is_made_whole()) return;
            seen.push_back(play());
        });
        brio::yield();
        if (blocked.done() && is_made_whole()) return;
        blocked.cancel();
        if (is_not_cut_short()) {
            let_others_run();
            EXPECT_TRUE(!blocked.done() || call().ending != ends_by_release);
            release();
        }
        EXPECT_TRUE(ends(blocked));
        // The request was told to C only, so it is still there at the end of the task.
        EXPECT_THROW(blocked.await(), brio::cancelled_error);
    });
    if (is_made_whole()) {
        EXPECT_THAT(seen, testing::ElementsAre(observed{call().expected, 0}));
    } else if (has_parts()) {
        // What had been taken before is counted; nothing of it is lost.
        ASSERT_EQ(seen.size(), 2U);
        EXPECT_GT(seen[0].result, 0);
        EXPECT_LT(seen[0].result, big_size);
        EXPECT_EQ(seen[1], when_cancelled());
    } else {
        EXPECT_THAT(seen, testing::ElementsAre(when_cancelled(), when_cancelled()));
    }
}

TEST_P(each_call, fails_at_once_in_a_fiber_that_was_cancelled_before) {
    std::vector<observed> seen;
    run_on_clock_of(sleeps(), [&] {
        auto cancelled = brio::create_task([&] {
            brio::current_task().cancel();
            seen.push_back(play());
        });
        let_others_run();
        EXPECT_TRUE(cancelled.done() || is_made_whole());
        if (is_not_cut_short()) release();
        EXPECT_THROW(cancelled.await(), brio::cancelled_error);
    });
    if (is_made_whole())
        EXPECT_THAT(seen, testing::ElementsAre(observed{call().expected, 0}));
    else
        EXPECT_THAT(seen, testing::ElementsAre(when_cancelled()));
}

TEST_P(each_call, loses_nothing_by_a_cancel) {
    if (sleeps() || is_made_whole() || looks_up()) GTEST_SKIP() << "nothing to lose";
    observed cancelled = {};
    brio::run([&] {
        auto blocked = brio::create_task([&] { cancelled = play(); });
        brio::yield();
        blocked.cancel();
        EXPECT_THROW(blocked.await(), brio::cancelled_error);
    });
    if (has_parts()) {
        int there = 0;
        ASSERT_EQ(::ioctl(scene_.peer, FIONREAD, &there), 0);
        EXPECT_EQ(there, cancelled.result);
        return;
    }
    // The same call by another fiber gets what there was to get.
    const observed seen = brio::run([&] {
        auto again = brio::create_task([&] { return play(); });
        brio::yield();
        release();
        return again.await();
    });
    EXPECT_EQ(seen, (observed{call().expected, 0}));
}

TEST_P(each_call, is_not_cut_short_while_cancels_are_deferred) {
    const observed seen = run_on_clock_of(sleeps(), [&] {
        observed result = {};
        auto blocked = brio::create_task([&] {
            const brio::defer_cancel whole;
            result = play();
        });
        brio::yield();
        if (blocked.done() && is_made_whole()) return result;
        blocked.cancel();
        let_others_run();
        EXPECT_TRUE(!blocked.done() || call().ending != ends_by_release);
        if (!blocked.done()) release();
        EXPECT_THROW(blocked.await(), brio::cancelled_error);
        return result;
    });
    EXPECT_EQ(seen, (observed{call().expected, 0}));
}

TEST(symbols, each_row_that_waits_is_played) {
    for (const auto& row : brio::detail::posix::symbols()) {
        const auto plays = [&](const blocking_call* c) {
            return std::string_view(c->symbol) == row.name;
        };
        const auto calls = all_calls();
        EXPECT_EQ(std::any_of(calls.begin(), calls.end(), plays), row.waits) << row.name;
    }
}

TEST(symbols, are_taken) {
    EXPECT_TRUE(brio::posix::active());
    EXPECT_NO_THROW(brio::posix::require());
}

TEST(symbols, can_be_asked_for) {
    EXPECT_TRUE(brio::posix::suspends("recv"));
    EXPECT_TRUE(brio::posix::suspends("__read_chk"));
    EXPECT_TRUE(brio::posix::suspends("waitpid"));
    EXPECT_FALSE(brio::posix::suspends("close"));
    EXPECT_FALSE(brio::posix::suspends("opendir"));
    EXPECT_FALSE(brio::posix::suspends(""));
}
