// When the loop sleeps, for how long, and what wakes it: on the virtual clock, on the kernel's, and
// with the real reactor.

#include "scheduler/bare_loop.hpp"
#include "scheduler/scheduler.hpp"
#include "scheduler/threads.hpp"

#include <atomic>
#include <cstdlib>
#include <deque>
#include <string>
#include <thread>
#include <vector>

namespace brio_tests {
namespace {

using virtual_clock = with_loop;

// --------------------------------------------------------------------------------- virtual clock

TEST_F(virtual_clock, starts_at_zero_and_jumps_to_the_next_timer) {
    EXPECT_EQ(core().now(), time_point(0s));
    loop().at(3h, [&] {
        EXPECT_EQ(core().now(), time_point(3h));
        EXPECT_EQ(brio::clock::now(), time_point(3h));
        note("late");
    });
    loop().at(1h, [&] {
        EXPECT_EQ(core().now(), time_point(1h));
        note("early");
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 early", "2 late"));
}

TEST_F(virtual_clock, stands_still_while_something_is_ready) {
    loop().at(1ns, [&] { note("timer"); });
    loop().start([&] {
        yield(3);
        EXPECT_EQ(core().now(), time_point(0s));
        note("fiber");
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("4 fiber", "5 timer"));
}

TEST_F(virtual_clock, runs_the_timers_of_one_moment_in_one_turn) {
    loop().at(2s, [&] { note("c"); });
    loop().at(1s, [&] { note("a"); });
    loop().at(1s, [&] { note("b"); });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 a", "1 b", "2 c"));
}

TEST_F(virtual_clock, never_goes_back) {
    loop().at(5s, [&] {
        loop().at(2s, [&] {
            EXPECT_EQ(core().now(), time_point(5s));
            note("was due");
        });
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("2 was due"));
}

TEST_F(virtual_clock, does_not_jump_to_a_timer_that_was_disarmed) {
    timed_entry& t = loop().make_timer([&](ready_node::fate) { note("never"); });
    core().arm(t, time_point(1s));
    core().disarm(t);
    loop().at(2s, [&] { note("timer"); });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 timer"));
}

TEST_F(virtual_clock, says_that_nothing_can_happen) {
    loop().callback([&] { note("a"); });
    EXPECT_THROW(core().run(), nothing_can_happen);
    EXPECT_FALSE(core().running());
    EXPECT_EQ(this_scheduler(), nullptr);
    loop().callback([&] { note("b"); });
    EXPECT_THROW(core().run(), nothing_can_happen);
    EXPECT_THAT(story(), ElementsAre("1 a", "3 b"));
}

TEST_F(virtual_clock, says_so_with_a_reactor_that_has_nothing_in_flight) {
    use_watched_reactor(core());
    EXPECT_THROW(core().run(), nothing_can_happen);
}

TEST_F(virtual_clock, does_not_jump_when_the_reactor_has_something) {
    watched_reactor& io = use_watched_reactor(core());
    operation op;
    io.submit(op);
    io.during_wait = [&] { loop().callback([&] { core().stop(); }); };
    loop().at(1h, [&] { note("never"); });
    core().run();
    EXPECT_EQ(core().now(), time_point(0s));
    EXPECT_THAT(story(), IsEmpty());
    ASSERT_EQ(io.waits.size(), 1U);
    EXPECT_EQ(io.waits[0].limit, duration::zero());
}

TEST_F(virtual_clock, jumps_to_a_timer_before_it_sleeps_for_io) {
    watched_reactor& io = use_watched_reactor(core());
    operation op;
    io.submit(op);
    loop().at(1h, [&] {
        note("timer");
        io.during_wait = [&] { core().stop(); };
    });
    core().run();
    EXPECT_THAT(story(), ElementsAre("1 timer"));
    ASSERT_EQ(io.waits.size(), 3U);
    EXPECT_EQ(io.waits[0].limit, duration::zero());
    EXPECT_EQ(io.waits[1].limit, duration::zero());
    EXPECT_EQ(io.waits[2].limit, duration::max()) << "nothing but the operation can happen";
}

// ------------------------------------------------------------------------------ the kernel's clock

class kernel_clock : public ::testing::Test {
protected:
    scheduler& core() { return loop_.core(); }
    bare_loop& loop() { return loop_; }

    bare_loop loop_{{}};
};

class sleeping : public kernel_clock {
protected:
    void SetUp() override {
        io.during_wait = [this] { loop().callback([this] { core().stop(); }); };
    }
    watched_reactor& io = use_watched_reactor(core());
};

TEST_F(sleeping, has_no_limit_without_timers) {
    core().run();
    ASSERT_EQ(io.waits.size(), 1U);
    EXPECT_EQ(io.waits[0].limit, duration::max());
    EXPECT_FALSE(io.waits[0].on_a_fiber);
}

TEST_F(sleeping, lasts_until_the_next_timer_at_most) {
    core().arm(loop().make_timer([](ready_node::fate) {}), core().now() + 2h);
    core().arm(loop().make_timer([](ready_node::fate) {}), core().now() + 1h);
    core().run();
    ASSERT_EQ(io.waits.size(), 1U);
    EXPECT_LE(io.waits[0].limit, duration(1h));
    EXPECT_GT(io.waits[0].limit, duration(50min));
}

TEST_F(sleeping, is_not_where_something_is_ready) {
    loop().callback([&] { core().stop(); });
    core().run();
    EXPECT_THAT(io.waits, IsEmpty());
}

TEST_F(sleeping, is_not_where_a_timer_is_due) {
    loop().at(0s, [&] { core().stop(); });
    core().run();
    EXPECT_THAT(io.waits, IsEmpty());
}

TEST_F(sleeping, is_a_poll_where_a_timer_is_due_and_io_is_under_way) {
    operation op;
    io.submit(op);
    loop().at(0s, [&] { loop().note("timer"); });
    core().run();
    EXPECT_THAT(loop().story(), ElementsAre("1 timer"));
    ASSERT_EQ(io.waits.size(), 1U);
    EXPECT_EQ(io.waits[0].limit, duration::zero());
}

TEST_F(sleeping, is_not_where_mail_has_come_after_it_was_looked_for) {
    struct context {
        scheduler& core;
        entry& mail;
    } of_handler{core(), loop().make_entry([&](ready_node::fate) {
                     loop().note("mail");
                     core().stop();
                 })};
    core().on_interrupt(
        [](void* argument, unsigned) {
            const auto& c = *static_cast<context*>(argument);
            EXPECT_TRUE(c.core.box().post(c.mail));
        },
        &of_handler);
    core().box().interrupt();
    core().run();
    EXPECT_THAT(loop().story(), ElementsAre("1 mail"));
    EXPECT_THAT(io.waits, IsEmpty());
}

TEST_F(sleeping, collects_the_mail_that_woke_it_in_the_same_turn) {
    entry& mail = loop().make_entry([&](ready_node::fate) {
        loop().note("mail");
        core().stop();
    });
    io.during_wait = [&] {
        const auto before = core().box().futex_word().load();
        EXPECT_TRUE(core().box().post(mail));
        EXPECT_EQ(core().box().futex_word().load(), before + 1) << "a sleeping loop is rung";
    };
    core().run();
    EXPECT_THAT(loop().story(), ElementsAre("1 mail"));
}

TEST_F(sleeping, is_over_for_the_mailbox_too) {
    entry& mail = loop().make_entry([&](ready_node::fate) { core().stop(); });
    io.during_wait = [&] {
        loop().callback([&] {
            const auto before = core().box().futex_word().load();
            EXPECT_TRUE(core().box().post(mail));
            EXPECT_EQ(core().box().futex_word().load(), before) << "nobody sleeps";
        });
    };
    core().run();
    EXPECT_EQ(core().turns(), 2U);
}

TEST_F(kernel_clock, goes_on_while_fibers_run) {
    bool fired = false;
    loop().callback([&] {
        core().arm(loop().make_timer([&](ready_node::fate) { fired = true; }), core().now() + 1ms);
    });
    const time_point limit = core().now() + 20s;
    for (int i = 0; i < 2; ++i)
        loop().start([&] {
            while (!fired && core().now() < limit) core().yield();
            core().stop();
        });
    core().run();
    EXPECT_TRUE(fired);
}

TEST(after, saturates) {
    EXPECT_EQ(after(time_point(1s), 2s), time_point(3s));
    EXPECT_EQ(after(time_point(1s), duration::max()), time_point::max());
    EXPECT_EQ(after(time_point(1s), duration::max() - 1s), time_point::max());
}

// ------------------------------------------------------------------------------ the real reactor

class real_reactor : public kernel_clock {
protected:
    void SetUp() override {
        // For a test that fails: without it the loop would sleep for ever.
        core().arm(loop().make_timer([this](ready_node::fate f) {
            if (f == ready_node::fate::drop) return;
            ADD_FAILURE() << "the loop has slept too long";
            too_late = true;
            too_late.notify_all();
            core().stop();
        }),
                   core().now() + 20s);
    }
    std::atomic<bool> too_late = false;
};

TEST_F(real_reactor, is_made_when_the_loop_sleeps_for_the_first_time) {
    loop().callback([&] { core().stop(); });
    core().run();
    EXPECT_FALSE(core().has_reactor());
    EXPECT_EQ(core().reactor_reason(), "");
    core().arm(loop().make_timer([&](ready_node::fate) { core().stop(); }), core().now() + 1ms);
    core().run();
    EXPECT_TRUE(core().has_reactor());
    EXPECT_NE(core().reactor_reason(), "");
}

TEST_F(real_reactor, is_the_one_that_the_environment_names) {
    const char* const named = std::getenv("BRIO_REACTOR");
    if (named == nullptr) GTEST_SKIP() << "BRIO_REACTOR names none";
    EXPECT_EQ(core().io().name(), named);
}

TEST_F(real_reactor, is_the_one_that_the_options_name) {
    bare_loop other({.reactor = reactor_kind::epoll});
    EXPECT_EQ(other.core().io().name(), "epoll");
}

TEST_F(real_reactor, sleeps_until_a_timer_and_not_less) {
    const time_point when = core().now() + 2ms;
    core().arm(loop().make_timer([&](ready_node::fate) {
        EXPECT_GE(core().now(), when);
        core().stop();
    }),
               when);
    core().run();
}

/// Once the thread that runs the loop sleeps, `what` is done on another.
class woken_loop : public real_reactor {
protected:
    template <class F>
    std::thread when_asleep(F what) {
        return std::thread([this, id = this_thread_id(), what] {
            EXPECT_TRUE(comes_true([&] { return running && asleep(id); }));
            what();
        });
    }
    void run() {
        loop().callback([this] { running = true; });
        core().run();
    }
    std::atomic<bool> running = false;
};

TEST_F(woken_loop, runs_what_was_posted) {
    entry& mail = loop().make_entry([&](ready_node::fate) {
        EXPECT_TRUE(core().on_own_thread());
        core().stop();
    });
    std::thread other = when_asleep([&] { EXPECT_TRUE(core().box().post(mail)); });
    run();
    other.join();
}

TEST_F(woken_loop, hears_of_an_interrupt) {
    core().on_interrupt(
        [](void* c, unsigned n) {
            EXPECT_EQ(n, 1U);
            static_cast<scheduler*>(c)->stop();
        },
        &core());
    std::thread other = when_asleep([&] { core().box().interrupt(); });
    run();
    other.join();
}

TEST_F(woken_loop, sleeps_again_after_a_ring_without_reason) {
    entry& mail = loop().make_entry([&](ready_node::fate) { core().stop(); });
    std::thread other = when_asleep([&, id = this_thread_id()] {
        core().box().ring();
        EXPECT_TRUE(comes_true([&] { return asleep(id); }));
        EXPECT_TRUE(core().box().post(mail));
    });
    run();
    other.join();
}

// The thread posts when it has been answered: each post finds a loop that sleeps, or is about to.
TEST_F(real_reactor, misses_no_post) {
    constexpr int rounds = 1000;
    std::atomic<int> answered{0};
    entry& mail = loop().make_entry([&](ready_node::fate) {
        if (++answered == rounds) core().stop();
        answered.notify_one();
    });
    std::thread other([&] {
        for (int i = 0; i < rounds && !too_late; ++i) {
            for (int now; (now = answered.load()) < i && !too_late;) answered.wait(now);
            EXPECT_TRUE(core().box().post(mail));
        }
    });
    core().run();
    if (too_late) {
        answered = rounds;
        answered.notify_one();
    }
    other.join();
    EXPECT_EQ(answered, rounds);
}

TEST_F(real_reactor, runs_what_many_threads_post_each_in_its_order) {
    constexpr int senders = 4;
    constexpr int count = 2000;
    std::deque<entry> posted[senders];
    int received[senders] = {};
    int left = senders * count;
    for (int s = 0; s < senders; ++s)
        for (int i = 0; i < count; ++i)
            posted[s].emplace_back(ready_node::kind::callback, [&, s, i](ready_node::fate) {
                EXPECT_EQ(received[s]++, i) << "of sender " << s;
                if (--left == 0) core().stop();
            });
    std::vector<std::thread> threads;
    for (auto& own : posted)
        threads.emplace_back([&] {
            for (entry& e : own) EXPECT_TRUE(core().box().post(e));
        });
    core().run();
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(left, 0);
}

}  // namespace
}  // namespace brio_tests
