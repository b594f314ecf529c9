// park(): what a cancel does to a fiber that waits, to one that does not, and to one that may not
// be interrupted; and the wait that belongs to one fiber alone.

#include "scheduler/park.hpp"

#include "scheduler/bare_loop.hpp"

#include <brio/error.hpp>

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace brio_tests {
namespace {

using brio::cancelled_error;
using brio::usage_error;

/// Notes that it was withdrawn.
struct noted_wait final : private_wait {
    noted_wait(bare_loop& l, fiber& self) : private_wait(self), loop(l) {}
    void withdraw() noexcept override { loop.note("withdrawn"); }
    [[nodiscard]] std::string describe() const override { return "noted"; }
    bare_loop& loop;
};

/// A hook that answers as it is told, and keeps what it heard.
struct answering final : wait_hook {
    answering(fiber& f, bool a) : waiter(f), answer(a) {}
    bool abort(std::string_view message) noexcept override {
        heard += "abort(" + std::string(message) + ")";
        if (answer) waiter.owner.wake(waiter);
        return answer;
    }
    [[nodiscard]] std::string describe() const override { return "answering"; }
    fiber& waiter;
    bool answer;
    std::string heard;
};

class waiting : public with_loop {
protected:
    fiber& self() { return *core().current(); }

    /// Waits, and notes how that ends.
    void wait_and_note() {
        noted_wait w(loop(), self());
        current_ = &w;
        wait_and_note(w);
        current_ = nullptr;
    }
    void wait_and_note(noted_wait& w) {
        try {
            w.wait();
            note("finished");
        } catch (const cancelled_error& e) {
            note(e.message() ? "cancelled(" + *e.message() + ")" : "cancelled");
        }
    }
    /// The one wait that is under way.
    noted_wait& wait_under_way() { return *current_; }

private:
    noted_wait* current_ = nullptr;
};
using cancel = waiting;
using deferred_cancel = waiting;
using require = waiting;

// ---------------------------------------------------------------------------------- private_wait

TEST_F(waiting, ends_in_the_turn_after_its_finish) {
    loop().start([&] { wait_and_note(); });
    loop().callback([&] {
        EXPECT_FALSE(wait_under_way().done());
        wait_under_way().finish();
        EXPECT_TRUE(wait_under_way().done());
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("2 finished"));
}

TEST_F(waiting, for_what_is_finished_does_not_suspend) {
    loop().start([&] {
        noted_wait w(loop(), self());
        w.finish();
        w.finish();
        wait_and_note(w);
    });
    loop().start([&] { note("other"); });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 finished", "1 other"));
}

TEST_F(waiting, is_finished_once) {
    loop().start([&] {
        wait_and_note();
        yield();
        note("once");
    });
    loop().callback([&] {
        wait_under_way().finish();
        wait_under_way().finish();
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("2 finished", "3 once"));
}

// ---------------------------------------------------------------------------------------- cancel

TEST_F(cancel, ends_a_wait_in_the_next_turn_and_withdraws_it) {
    fiber& f = loop().start([&] {
        wait_and_note();
        EXPECT_FALSE(self().cancel_pending);
    });
    loop().callback([&] {
        request_cancel(f, "enough");
        EXPECT_TRUE(wait_under_way().done());
        EXPECT_FALSE(f.cancel_pending);
        wait_under_way().finish();  // too late
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 withdrawn", "2 cancelled(enough)"));
}

TEST_F(cancel, has_no_message_or_an_empty_one) {
    fiber& first = loop().start([&] { wait_and_note(); });
    loop().callback([&] { request_cancel(first, {}); });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 withdrawn", "2 cancelled"));
    fiber& second = loop().start([&] { wait_and_note(); });
    loop().callback([&] { request_cancel(second, ""); });
    loop().run();
    EXPECT_EQ(story().back(), std::to_string(core().turns() - 1) + " cancelled()");
}

TEST_F(cancel, of_a_wait_that_is_finished_comes_when_the_fiber_runs) {
    fiber& f = loop().start([&] { wait_and_note(); });
    loop().callback([&] {
        wait_under_way().finish();
        request_cancel(f, "late");
        EXPECT_TRUE(f.cancel_pending);
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("2 cancelled(late)"));
}

TEST_F(cancel, of_a_fiber_that_does_not_wait_ends_its_next_wait_at_once) {
    fiber& f = loop().start([&] {
        yield();
        EXPECT_TRUE(self().cancel_pending);
        note("runs");
        wait_and_note();
        EXPECT_FALSE(self().cancel_pending);
    });
    loop().callback([&] { request_cancel(f, "early"); });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("2 runs", "2 withdrawn", "3 cancelled(early)"));
}

TEST_F(cancel, before_the_first_step_is_kept_for_the_first_wait) {
    fiber& f = loop().start([&] { wait_and_note(); });
    request_cancel(f, "before");
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 withdrawn", "2 cancelled(before)"));
}

TEST_F(cancel, twice_of_a_wait_counts_once_with_the_first_message) {
    fiber& f = loop().start([&] {
        wait_and_note();
        EXPECT_FALSE(self().cancel_pending);
    });
    loop().callback([&] {
        request_cancel(f, "first");
        request_cancel(f, "second");
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 withdrawn", "2 cancelled(first)"));
}

TEST_F(cancel, twice_before_a_wait_keeps_the_message_of_the_second) {
    fiber& f = loop().start([&] { wait_and_note(); });
    request_cancel(f, "first");
    request_cancel(f, "second");
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 withdrawn", "2 cancelled(second)"));
}

TEST_F(cancel, asks_what_the_fiber_waits_for) {
    std::string heard;
    fiber& f = loop().start([&] {
        answering hook(self(), true);
        park(self(), hook);
        heard = hook.heard;
        EXPECT_FALSE(self().cancel_pending);
        note("woken");
    });
    loop().callback([&] { request_cancel(f, "m"); });
    loop().run();
    EXPECT_EQ(heard, "abort(m)");
    EXPECT_THAT(story(), ElementsAre("2 woken"));
}

TEST_F(cancel, that_is_refused_stays_pending) {
    std::string heard;
    fiber& f = loop().start([&] {
        answering hook(self(), false);
        park(self(), hook);
        heard = hook.heard;
        EXPECT_TRUE(self().cancel_pending);
        EXPECT_THROW(deliver_cancel(self()), cancelled_error);
        EXPECT_FALSE(self().cancel_pending);
        note("woken");
    });
    loop().callback([&] {
        request_cancel(f, "m");
        EXPECT_EQ(f.state, fiber::status::parked);
    });
    loop().callback([&] { core().wake(f); });
    loop().run();
    EXPECT_EQ(heard, "abort(m)");
    EXPECT_THAT(story(), ElementsAre("2 woken"));
}

TEST_F(cancel, that_is_refused_at_once_stays_pending) {
    fiber& f = loop().start([&] {
        answering hook(self(), false);
        park(self(), hook);
        EXPECT_EQ(hook.heard, "abort(early)");
        EXPECT_TRUE(self().cancel_pending);
        note("woken");
    });
    request_cancel(f, "early");
    loop().callback([&] { core().wake(f); });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("2 woken"));
}

TEST_F(cancel, is_delivered_once_with_its_message) {
    fiber& f = loop().start([&] {
        try {
            deliver_cancel(self());
        } catch (const cancelled_error& e) {
            note(*e.message());
        }
        EXPECT_NO_THROW(deliver_cancel(self()));
    });
    request_cancel(f, "once");
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 once"));
}

// ------------------------------------------------------------------------------- deferred cancels

TEST_F(deferred_cancel, lets_the_wait_end_by_itself) {
    fiber& f = loop().start([&] {
        ++self().deferred;
        wait_and_note();
        EXPECT_TRUE(self().cancel_pending);
        --self().deferred;
        wait_and_note();
    });
    loop().callback([&] {
        request_cancel(f, "kept");
        EXPECT_FALSE(wait_under_way().done());
        wait_under_way().finish();
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("2 finished", "2 withdrawn", "3 cancelled(kept)"));
}

TEST_F(deferred_cancel, that_is_pending_already_does_not_end_a_wait_either) {
    fiber& f = loop().start([&] {
        ++self().deferred;
        wait_and_note();
        --self().deferred;
    });
    request_cancel(f, "kept");
    loop().callback([&] { wait_under_way().finish(); });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("2 finished"));
}

TEST_F(deferred_cancel, waits_while_the_fiber_unwinds) {
    struct waits_at_the_end {
        std::function<void()> wait;
        ~waits_at_the_end() { wait(); }
    };
    fiber& f = loop().start([&] {
        try {
            const waits_at_the_end w{[this] { wait_and_note(); }};
            throw std::runtime_error("unwinds");
        } catch (const std::runtime_error&) {
            note("caught");
        }
        wait_and_note();
    });
    loop().callback([&] {
        request_cancel(f, "kept");
        EXPECT_FALSE(wait_under_way().done());
    });
    loop().callback([&] { wait_under_way().finish(); });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("2 finished", "2 caught", "2 withdrawn", "3 cancelled(kept)"));
}

// -------------------------------------------------------------------------------------- require_*

TEST_F(require, names_the_call_where_there_is_no_fiber) {
    const auto text_of = [](const std::function<void()>& f) -> std::string {
        try {
            f();
        } catch (const usage_error& e) {
            return e.what();
        }
        return "no error";
    };
    EXPECT_THAT(text_of([] { require_fiber("some_call"); }), ::testing::StartsWith("some_call"));
    EXPECT_THAT(text_of([] { require_scheduler("some_call"); }),
                ::testing::StartsWith("some_call"));
    loop().callback([&] {
        EXPECT_THAT(text_of([] { require_fiber("in_callback"); }),
                    ::testing::StartsWith("in_callback"));
        EXPECT_EQ(&require_scheduler("in_callback"), &core());
    });
    loop().start([&] {
        EXPECT_EQ(&require_fiber("in_fiber"), core().current());
        note("ran");
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 ran"));
}

}  // namespace
}  // namespace brio_tests
