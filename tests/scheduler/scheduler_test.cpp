// The loop's turns: what is in one, and in which order; how it stops and closes; and which ends of
// a turn the suspending fiber may deal with itself.

#include "scheduler/scheduler.hpp"

#include "base/private_descriptor.hpp"
#include "scheduler/bare_loop.hpp"
#include "testing/scripted_reactor.hpp"

#include <cerrno>
#include <cstdint>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

namespace brio_tests {
namespace {

using turn = with_loop;
using stop = with_loop;
using close_loop = with_loop;
using interrupt = with_loop;

/// An operation whose completion appends an entry.
struct request : operation {
    request(scheduler& s, ready_node& n) : loop(s), then(n) {
        what = code::nop;
        completed = [](operation& op) noexcept {
            auto& self = static_cast<request&>(op);
            self.loop.append(self.then);
        };
    }
    scheduler& loop;
    ready_node& then;
};

TEST_F(turn, has_what_is_ready_then_mail_then_completions_then_timers) {
    scripted_reactor& script = use_script(core());
    const auto noting = [this](const char* what) {
        return [this, what](ready_node::fate) { note(what); };
    };
    request op(core(), loop().make_entry(noting("completion")));
    entry& mail = loop().make_entry(noting("mail"));
    entry& interrupted = loop().make_entry(noting("interrupt"));
    struct context {
        scheduler& core;
        entry& appended;
    } of_handler{core(), interrupted};
    core().on_interrupt(
        [](void* argument, unsigned) {
            const auto& c = *static_cast<context*>(argument);
            c.core.append(c.appended);
        },
        &of_handler);
    timed_entry& due = loop().make_timer(noting("timer"));

    loop().callback([&] {
        core().arm(due, core().now());
        script.submit(op);
        script.complete(0);
        core().box().interrupt();
        EXPECT_TRUE(core().box().post(mail));
        loop().callback([&] { note("ready"); });
    });
    loop().run();
    EXPECT_THAT(story(),
                ElementsAre("2 ready", "2 mail", "2 interrupt", "2 completion", "2 timer"));
}

TEST_F(turn, ends_before_what_has_become_ready_in_it) {
    loop().callback([&] {
        note("a");
        loop().callback([&] {
            note("c");
            loop().callback([&] { note("d"); });
        });
    });
    loop().callback([&] { note("b"); });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 a", "1 b", "2 c", "3 d"));
}

TEST_F(turn, mixes_fibers_callbacks_and_bookkeeping_in_their_order) {
    loop().start([&] { note("fiber"); });
    loop().callback([&] { note("callback"); });
    loop().bookkeeping([&] { note("bookkeeping"); });
    loop().start([&] { note("fiber"); });
    loop().callback([&] { note("callback"); });
    loop().run();
    EXPECT_THAT(story(),
                ElementsAre("1 fiber", "1 callback", "1 bookkeeping", "1 fiber", "1 callback"));
}

TEST_F(turn, appends_a_callback_list_in_its_order) {
    callback_list list;
    fiber* parked = nullptr;
    parked = &loop().start([&] {
        parked->state = fiber::status::parked;
        core().park();
        note("fiber");
    });
    loop().callback([&] {
        list.push_back(loop().make_entry([&](ready_node::fate) { note("first"); }));
        list.push_back(*parked);
        list.push_back(loop().make_entry([&](ready_node::fate) { note("last"); }));
        core().append(list);
        EXPECT_TRUE(list.empty());
        EXPECT_EQ(parked->state, fiber::status::runnable);
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("2 first", "2 fiber", "2 last"));
}

TEST_F(turn, lets_out_what_a_wait_throws_and_runs_again) {
    watched_reactor& io = use_watched_reactor(core());
    operation op;
    io.submit(op);
    io.during_wait = [] { throw std::runtime_error("the kernel says no"); };
    EXPECT_THROW(core().run(), std::runtime_error);
    EXPECT_FALSE(core().running());
    EXPECT_EQ(this_scheduler(), nullptr);
    io.during_wait = [&] { core().stop(); };
    loop().callback([&] { note("runs"); });
    loop().callback([&] { core().stop(); });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("2 runs"));
}

// --------------------------------------------------------------------------------- running, this

TEST_F(turn, knows_its_loop_and_its_fiber) {
    EXPECT_EQ(this_scheduler(), nullptr);
    EXPECT_EQ(this_fiber(), nullptr);
    EXPECT_FALSE(core().running());
    fiber* made = nullptr;
    made = &loop().start([&] {
        EXPECT_EQ(this_scheduler(), &core());
        EXPECT_EQ(this_fiber(), made);
        EXPECT_EQ(made->state, fiber::status::runnable);
        EXPECT_TRUE(core().running());
        note("fiber");
    });
    loop().callback([&] {
        EXPECT_EQ(this_scheduler(), &core());
        EXPECT_EQ(this_fiber(), nullptr);
        note("callback");
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 fiber", "1 callback"));
    EXPECT_EQ(this_scheduler(), nullptr);
    EXPECT_FALSE(core().running());
}

TEST_F(turn, knows_its_thread) {
    EXPECT_TRUE(core().on_own_thread());
    std::thread([&] { EXPECT_FALSE(core().on_own_thread()); }).join();
}

// ------------------------------------------------------------------------------------------ stop

TEST_F(stop, lets_the_turn_under_way_end) {
    loop().callback([&] {
        loop().callback([&] { note("next turn"); });
        core().stop();
    });
    loop().callback([&] { note("same turn"); });
    core().run();
    EXPECT_THAT(story(), ElementsAre("1 same turn"));
    loop().callback([&] { core().stop(); });
    core().run();
    EXPECT_THAT(story(), ElementsAre("2 next turn"));
}

TEST_F(stop, by_a_fiber_lets_the_turn_under_way_end) {
    for (const char* name : {"a", "b", "c"})
        loop().start([&, name] {
            for (int i = 0; i < 3; ++i) {
                note(name);
                if (core().turns() == 2 && name[0] == 'b') core().stop();
                yield();
            }
        });
    core().run();
    EXPECT_THAT(story(), ElementsAre("1 a", "1 b", "1 c", "2 a", "2 b", "2 c"));
    loop().run();
    EXPECT_THAT(story(), ElementsAre("3 a", "3 b", "3 c"));
}

TEST_F(stop, before_the_run_makes_it_one_turn_that_does_not_wait) {
    watched_reactor& io = use_watched_reactor(core());
    operation op;
    io.submit(op);
    core().stop();
    core().run();
    EXPECT_EQ(core().turns(), 1U);
    EXPECT_THAT(io.waits, IsEmpty());

    loop().callback([&] {
        note("a");
        loop().callback([&] { note("never"); });
    });
    core().stop();
    core().run();
    EXPECT_THAT(story(), ElementsAre("2 a"));
}

TEST_F(stop, counts_for_one_run) {
    core().stop();
    core().run();
    loop().callback([&] { loop().callback([&] { note("second turn"); }); });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("3 second turn"));
}

// ----------------------------------------------------------------------------------------- close

const char* name_of(ready_node::fate f) {
    return f == ready_node::fate::run ? "runs" : "is dropped";
}

TEST_F(close_loop, drops_what_is_ready_posted_and_armed_and_runs_none) {
    const auto fated = [this](const std::string& what) {
        return [this, what](ready_node::fate f) { note(what + " " + name_of(f)); };
    };
    core().append(loop().make_entry(fated("callback")));
    core().append(loop().make_entry(fated("bookkeeping"), ready_node::kind::bookkeeping));
    EXPECT_TRUE(core().box().post(loop().make_entry(fated("mail 1"))));
    EXPECT_TRUE(core().box().post(loop().make_entry(fated("mail 2"))));
    core().arm(loop().make_timer(fated("late timer")), time_point(2h));
    core().arm(loop().make_timer(fated("timer")), time_point(1h));
    loop().start([&] { note("fiber runs"); });

    EXPECT_FALSE(core().closed());
    core().close();
    EXPECT_TRUE(core().closed());
    EXPECT_THAT(story(),
                ::testing::UnorderedElementsAre("0 callback is dropped", "0 bookkeeping is dropped",
                                                "0 mail 1 is dropped", "0 mail 2 is dropped",
                                                "0 timer is dropped", "0 late timer is dropped"));
    core().close();
    EXPECT_THAT(story(), IsEmpty());
}

TEST_F(close_loop, drops_at_once_what_is_appended_later) {
    core().close();
    core().append(loop().make_entry([&](ready_node::fate f) { note(name_of(f)); }));
    EXPECT_THAT(story(), ElementsAre("0 is dropped"));
    callback_list list;
    list.push_back(loop().make_entry([&](ready_node::fate f) { note(name_of(f)); }));
    core().append(list);
    EXPECT_THAT(story(), ElementsAre("0 is dropped"));
}

TEST_F(close_loop, drops_what_a_dropped_entry_appends) {
    entry& second = loop().make_entry([&](ready_node::fate f) { note(name_of(f)); });
    core().append(loop().make_entry([&](ready_node::fate) { core().append(second); }));
    core().close();
    EXPECT_THAT(story(), ElementsAre("0 is dropped"));
}

TEST_F(close_loop, closes_the_mailbox) {
    core().close();
    EXPECT_TRUE(core().box().closed());
    EXPECT_FALSE(core().box().post(loop().make_entry([](ready_node::fate) {})));
}

TEST_F(close_loop, ends_what_is_in_flight_and_drops_what_waited_for_it) {
    scripted_reactor& script = use_script(core());
    request op(core(), loop().make_entry([&](ready_node::fate f) { note(name_of(f)); }));
    script.submit(op);
    core().close();
    EXPECT_EQ(op.result, -ECANCELED);
    EXPECT_FALSE(core().has_reactor());
    EXPECT_THAT(story(), ElementsAre("0 is dropped"));
}

TEST_F(close_loop, is_what_the_end_of_a_loop_does) {
    std::string fate;
    entry e(ready_node::kind::callback, [&](ready_node::fate f) { fate = name_of(f); });
    { bare_loop().core().append(e); }
    EXPECT_EQ(fate, "is dropped");
}

using close_loop_death = close_loop;
TEST_F(close_loop_death, while_the_loop_runs_aborts) {
    EXPECT_DEATH(without_dump([&] {
                     loop().callback([&] { core().close(); });
                     core().run();
                 }),
                 "a loop is closed while it runs");
}

// ------------------------------------------------------------------------------------- interrupts

class noted_interrupts {
public:
    explicit noted_interrupts(bare_loop& l) : loop_(l) {
        l.core().on_interrupt(
            [](void* self, unsigned n) {
                auto& loop = static_cast<noted_interrupts*>(self)->loop_;
                EXPECT_EQ(this_fiber(), nullptr);
                loop.note(std::to_string(n) + " interrupts");
            },
            this);
    }

private:
    bare_loop& loop_;
};

TEST_F(interrupt, is_told_at_the_start_of_the_next_turn) {
    const noted_interrupts noted(loop());
    loop().callback([&] {
        core().box().interrupt();
        core().box().interrupt();
        loop().callback([&] { note("callback"); });
    });
    loop().callback([&] { note("same turn"); });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 same turn", "2 2 interrupts", "2 callback"));
}

TEST_F(interrupt, without_a_handler_is_forgotten) {
    loop().callback([&] { core().box().interrupt(); });
    loop().run();
    const noted_interrupts noted(loop());
    loop().callback([] {});
    loop().run();
    EXPECT_THAT(story(), IsEmpty());
}

// ----------------------------------------------- the end of a turn on the suspending fiber's stack

/// Two fibers that yield in turns, "a" and "b"; with the parameter an entry of bookkeeping comes
/// behind them in each turn, so that the turn ends in another place of the code.
class end_of_turn : public with_loop, public ::testing::WithParamInterface<bool> {
protected:
    void run_fibers(std::uint64_t turns) {
        for (const char* name : {"a", "b"})
            loop().start([this, name, turns] {
                for (;;) {
                    note(name);
                    if (const auto found = during_.find(story_of_now(name)); found != during_.end())
                        found->second();
                    if (core().turns() == turns) return;
                    yield();
                }
            });
        if (GetParam()) {
            behind_ = [this, turns] {
                if (core().turns() < turns) loop().bookkeeping(behind_);
            };
            loop().bookkeeping(behind_);
        }
        loop().run();
    }
    /// While the fiber runs of which note() says `when`.
    void during(const std::string& when, std::function<void()> what) {
        during_[when] = std::move(what);
    }

private:
    std::string story_of_now(const char* name) {
        return std::to_string(core().turns()) + " " + name;
    }

    std::map<std::string, std::function<void()>> during_;
    std::function<void()> behind_;
};

INSTANTIATE_TEST_SUITE_P(turns, end_of_turn, ::testing::Bool(), [](const auto& info) {
    return info.param ? "behind_bookkeeping" : "behind_fibers";
});

TEST_P(end_of_turn, is_one_for_each_round_of_yields) {
    run_fibers(4);
    EXPECT_THAT(story(), ElementsAre("1 a", "1 b", "2 a", "2 b", "3 a", "3 b", "4 a", "4 b"));
}

TEST_P(end_of_turn, needs_no_reactor_that_has_no_work) {
    watched_reactor& io = use_watched_reactor(core());
    operation op;
    during("1 a", [&] { io.submit(op); });
    during("5 a", [&] { core().stop(); });
    run_fibers(6);
    EXPECT_THAT(io.waits, IsEmpty());
    EXPECT_EQ(io.asked_by_fibers, 4);  // at the ends of turns 1 to 4
    EXPECT_EQ(io.asked_by_the_loop, 0);
    EXPECT_EQ(core().turns(), 5U);
}

TEST_P(end_of_turn, does_not_ask_a_reactor_with_nothing_in_flight) {
    watched_reactor& io = use_watched_reactor(core());
    io.work = true;
    run_fibers(4);
    EXPECT_THAT(io.waits, IsEmpty());
    EXPECT_EQ(io.asked_by_fibers, 0);
    EXPECT_EQ(io.asked_by_the_loop, 0);
}

TEST_P(end_of_turn, polls_a_reactor_that_has_work) {
    watched_reactor& io = use_watched_reactor(core());
    operation op;
    during("2 a", [&] {
        io.submit(op);
        io.work = true;
    });
    io.during_wait = [&] {
        note("wait");
        io.work = core().turns() < 4;
    };
    during("5 a", [&] { core().stop(); });
    run_fibers(6);
    EXPECT_THAT(story(), ElementsAre("1 a", "1 b", "2 a", "2 b", "3 wait", "3 a", "3 b", "4 wait",
                                     "4 a", "4 b", "5 a", "5 b"));
    for (const auto& each : io.waits) {
        EXPECT_EQ(each.limit, duration::zero());
        EXPECT_FALSE(each.on_a_fiber);
    }
}

TEST_P(end_of_turn, looks_into_the_mailbox) {
    entry& mail = loop().make_entry([&](ready_node::fate) { note("mail"); });
    during("2 a", [&] { EXPECT_TRUE(core().box().post(mail)); });
    run_fibers(4);
    EXPECT_THAT(story(), ::testing::Contains("3 mail"));
}

TEST_P(end_of_turn, sees_an_interrupt) {
    const noted_interrupts noted(loop());
    during("2 b", [&] { core().box().interrupt(); });
    run_fibers(4);
    EXPECT_THAT(story(), ::testing::Contains("3 1 interrupts"));
}

TEST_P(end_of_turn, sees_a_timer_that_is_due_and_leaves_one_that_is_not) {
    during("2 b", [&] {
        loop().at(0ns, [&] { note("due"); });
        loop().at(1ns, [&] { note("later"); });
    });
    run_fibers(4);
    EXPECT_THAT(story(), ElementsAre("1 a", "1 b", "2 a", "2 b", "3 a", "3 b", "3 due", "4 a",
                                     "4 b", "5 later"));
}

TEST_P(end_of_turn, sees_a_stop) {
    during("2 a", [&] { core().stop(); });
    run_fibers(4);
    EXPECT_THAT(story(), ElementsAre("1 a", "1 b", "2 a", "2 b"));
    EXPECT_EQ(core().turns(), 2U);
    loop().run();
    EXPECT_THAT(story(), ElementsAre("3 a", "3 b", "4 a", "4 b"));
}

TEST_F(turn, of_one_fiber_that_yields_is_a_turn) {
    loop().start([&] {
        for (int i = 0; i < 3; ++i) {
            note("alone");
            yield();
        }
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 alone", "2 alone", "3 alone"));
}

TEST_F(turn, ends_where_a_fiber_ends) {
    loop().start([&] {
        yield();
        note("a");
    });
    loop().start([&] { note("b ends"); });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 b ends", "2 a"));
}

using loop_of_a_program = with_loop;

TEST_F(loop_of_a_program, finds_a_table_of_descriptors_that_need_not_grow) {
    std::ifstream status("/proc/self/status");
    int size = 0;
    for (std::string word; status >> word;)
        if (word == "FDSize:") status >> size;
    EXPECT_GT(size, first_private_number());
}

}  // namespace
}  // namespace brio_tests
