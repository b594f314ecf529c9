// Fibers without tasks: the straight switch, eager first steps, yielding, parking and waking, and
// what becomes of their stacks.

#include "fiber/fiber.hpp"

#include "context/sanitizers.hpp"
#include "scheduler/bare_loop.hpp"
#include "scheduler/park.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <utility>
#include <vector>

#if defined(BRIO_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#endif

namespace brio_tests {
namespace {

using own_states = with_loop;
using switching = with_loop;
using yielding = with_loop;
using eager = with_loop;
using parking = with_loop;
using parking_death = with_loop;
using stacks = with_loop;

/// Whether the caller's frame lies on the stack of `f`.
[[gnu::noinline]] bool runs_on(const fiber& f) {
    const auto* const frame = static_cast<const std::byte*>(__builtin_frame_address(0));
    const auto* const limit = static_cast<const std::byte*>(f.memory.limit);
    return frame >= limit && frame < limit + f.memory.size;
}

/// A wait that others end by name.
struct signal final : private_wait {
    using private_wait::private_wait;
    [[nodiscard]] std::string describe() const override { return "signal"; }
};

// ------------------------------------------------------------------------------------- own state

int setting = 0;  // of the "thread"

struct own_setting final : own_state {
    void exchange() noexcept override { std::swap(setting, kept); }
    int kept = 0;
};
/// What the libc layer would keep: makes who inherits it refuse.
struct refusing_state final : libc_state {
    void inherit_to(fiber&) const override { throw std::bad_alloc(); }
};

TEST_F(own_states, of_one_fiber_are_no_other_s_nor_a_callback_s) {
    own_setting own;
    loop().start([&] {
        setting = 1;
        core().set_own_state(&own);
        loop().callback([&] {
            EXPECT_EQ(setting, 0);
            core().start_eagerly(loop().make([] { EXPECT_EQ(setting, 0); }));
        });
        loop().bookkeeping([] {});
        loop().at(10ms, [] { EXPECT_EQ(setting, 0); });
        fiber& self = *core().current();
        signal woken(self);
        loop().at(20ms, [&] { woken.finish(); });
        woken.wait();
        EXPECT_EQ(setting, 1);
        core().start_eagerly(loop().make([] { EXPECT_EQ(setting, 0); }));
        EXPECT_EQ(setting, 1);
        loop().start([] { EXPECT_EQ(setting, 0); });
        yield(3);
        EXPECT_EQ(setting, 1);
    });
    loop().run();
    EXPECT_EQ(setting, 0);
}

TEST_F(own_states, are_put_aside_when_the_loop_stops) {
    own_setting own;
    loop().start([&] {
        setting = 1;
        core().set_own_state(&own);
        core().stop();
        yield();
        EXPECT_EQ(setting, 1);
    });
    loop().run();
    EXPECT_EQ(setting, 0);
    loop().run();
    EXPECT_EQ(setting, 0);
}

TEST_F(own_states, a_fiber_that_cannot_inherit_is_not_made) {
    own_setting own;
    loop().start([&] {
        core().current()->libc = std::make_unique<refusing_state>();
        setting = 1;
        core().set_own_state(&own);
        const auto in_use = core().stacks().statistics().in_use;
        EXPECT_THROW(loop().make([] {}), std::bad_alloc);
        EXPECT_EQ(core().stacks().statistics().in_use, in_use);
        EXPECT_EQ(setting, 1);
    });
    loop().run();
    EXPECT_EQ(setting, 0);
}

// ------------------------------------------------------------------------------------- switching

TEST_F(switching, runs_each_fiber_on_its_own_stack) {
    fiber* a = nullptr;
    fiber* b = nullptr;
    a = &loop().start([&] {
        EXPECT_TRUE(runs_on(*a));
        yield();
        EXPECT_TRUE(runs_on(*a));
    });
    b = &loop().start([&] {
        EXPECT_TRUE(runs_on(*b));
        EXPECT_FALSE(runs_on(*a));
        note("b");
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 b"));
}

TEST_F(switching, runs_bookkeeping_on_the_stack_of_who_suspends) {
    fiber* a = nullptr;
    a = &loop().start([&] {
        yield();
        loop().bookkeeping([] {});
    });
    loop().bookkeeping([&] {
        EXPECT_TRUE(runs_on(*a));
        note("behind a yield");
    });
    fiber* b = nullptr;
    b = &loop().start([] {});
    loop().bookkeeping([&] {
        EXPECT_TRUE(runs_on(*b));
        note("behind an end");
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 behind a yield", "1 behind an end"));
}

TEST_F(switching, runs_callbacks_on_the_loop_s_own_stack) {
    fiber* a = nullptr;
    a = &loop().start([&] { yield(2); });
    for (int i = 0; i < 2; ++i)
        loop().callback([&] {
            EXPECT_FALSE(runs_on(*a));
            EXPECT_EQ(core().current(), nullptr);
            EXPECT_EQ(a->state, fiber::status::runnable);
            note("callback");
        });
    loop().start([&] { note("fiber"); });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 callback", "1 callback", "1 fiber"));
}

TEST_F(switching, goes_on_with_what_comes_behind_bookkeeping) {
    loop().start([&] {
        yield();
        note("a");
    });
    loop().bookkeeping([&] { note("bookkeeping"); });
    loop().start([&] { note("b"); });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 bookkeeping", "1 b", "2 a"));
}

TEST_F(switching, keeps_errno_for_each_fiber) {
    errno = EDOM;
    loop().start([&] {
        errno = ENOENT;
        yield();
        EXPECT_EQ(errno, ENOENT);
        note("a");
    });
    loop().start([&] {
        errno = EBADF;
        yield();
        EXPECT_EQ(errno, EBADF);
        note("b");
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("2 a", "2 b"));
}

TEST_F(switching, tells_the_states_of_fibers) {
    fiber& f = loop().make([&] {
        core().yield();
        signal never_comes(*core().current());
        park(*core().current(), never_comes);
    });
    EXPECT_EQ(f.state, fiber::status::created);
    core().start(f);
    EXPECT_EQ(f.state, fiber::status::runnable);
    loop().callback([&] { EXPECT_EQ(f.state, fiber::status::runnable); });
    loop().run();
    EXPECT_EQ(f.state, fiber::status::parked);
}

// -------------------------------------------------------------------------------------- yielding

TEST_F(yielding, lets_everybody_run_who_is_ready) {
    for (const char* name : {"a", "b", "c"})
        loop().start([&, name] {
            for (int i = 0; i < 2; ++i) {
                note(name);
                yield();
            }
        });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 a", "1 b", "1 c", "2 a", "2 b", "2 c"));
}

// More than the queue has room for at first; when it is full is not for this test to know, so there
// is a loop for each number around it.
TEST_F(yielding, keeps_the_order_where_the_queue_grows) {
    for (int fibers = 250; fibers < 260; ++fibers) {
        bare_loop crowd;
        std::vector<int> order;
        for (int i = 0; i < fibers; ++i)
            crowd.start([&, i] {
                for (int round = 0; round < 2; ++round) {
                    order.push_back(round * fibers + i);
                    crowd.core().yield();
                    // One entry more in each turn than there are fibers.
                    if (i == 0) crowd.callback([] {});
                }
            });
        crowd.run();
        ASSERT_EQ(order.size(), 2U * static_cast<unsigned>(fibers));
        for (int i = 0; i < 2 * fibers; ++i) ASSERT_EQ(order[static_cast<std::size_t>(i)], i);
    }
}

// ----------------------------------------------------------------------------------------- eager

TEST_F(eager, runs_at_once_and_comes_back_at_the_first_suspension) {
    loop().callback([&] {
        note("before");
        fiber* f = nullptr;
        f = &loop().make([&] {
            EXPECT_EQ(core().current(), f);
            note("first step");
            yield();
            note("second step");
        });
        core().start_eagerly(*f);
        EXPECT_EQ(core().current(), nullptr);
        EXPECT_EQ(f->state, fiber::status::runnable);
        note("behind");
    });
    loop().callback([&] { note("others"); });
    loop().run();
    EXPECT_THAT(story(),
                ElementsAre("1 before", "1 first step", "1 behind", "1 others", "2 second step"));
}

TEST_F(eager, comes_back_to_the_fiber_that_made_it) {
    fiber* maker = nullptr;
    maker = &loop().start([&] {
        fiber& f = loop().make([&] {
            note("first step");
            yield();
            note("second step");
        });
        core().start_eagerly(f);
        EXPECT_EQ(core().current(), maker);
        EXPECT_TRUE(runs_on(*maker));
        EXPECT_EQ(maker->state, fiber::status::runnable);
        note("maker");
        yield();
        note("maker again");
    });
    loop().start([&] { note("other"); });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 first step", "1 maker", "1 other", "2 second step",
                                     "2 maker again"));
}

TEST_F(eager, comes_back_when_it_parks) {
    loop().start([&] {
        signal s(*core().current());
        fiber* f = nullptr;
        f = &loop().make([&] {
            f->state = fiber::status::parked;
            core().park();
            note("woken");
        });
        core().start_eagerly(*f);
        EXPECT_EQ(f->state, fiber::status::parked);
        note("maker");
        core().wake(*f);
        note("still maker");
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 maker", "1 still maker", "2 woken"));
}

TEST_F(eager, comes_back_at_its_end) {
    const auto make_one = [&](const char* from) {
        core().start_eagerly(loop().make([&, from] { note(from); }));
    };
    loop().callback([&] {
        make_one("from the loop");
        EXPECT_EQ(core().current(), nullptr);
        note("loop");
    });
    loop().start([&] {
        fiber* const self = core().current();
        make_one("from a fiber");
        EXPECT_EQ(core().current(), self);
        note("fiber");
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 from the loop", "1 loop", "1 from a fiber", "1 fiber"));
}

TEST_F(eager, may_make_another) {
    loop().callback([&] {
        core().start_eagerly(loop().make([&] {
            note("outer");
            core().start_eagerly(loop().make([&] {
                note("inner");
                yield();
                note("inner again");
            }));
            note("outer still");
            yield();
            note("outer again");
        }));
        note("loop");
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 outer", "1 inner", "1 outer still", "1 loop",
                                     "2 inner again", "2 outer again"));
}

TEST_F(eager, is_an_ordinary_fiber_after_its_first_step) {
    loop().callback([&] {
        core().start_eagerly(loop().make([&] {
            yield();
            note("a");
            yield();
            note("c");
        }));
    });
    loop().callback([&] {
        loop().start([&] {
            note("b");
            yield();
            note("d");
        });
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("2 a", "2 b", "3 c", "3 d"));
}

// --------------------------------------------------------------------------------------- parking

TEST_F(parking, lasts_until_a_wake_and_runs_in_the_turn_after) {
    fiber* f = nullptr;
    signal* s = nullptr;
    f = &loop().start([&] {
        signal here(*f);
        s = &here;
        park(*f, here);
        note("woken");
        EXPECT_EQ(f->waiting_for, nullptr);
    });
    loop().start([&] {
        yield(3);
        EXPECT_EQ(f->state, fiber::status::parked);
        EXPECT_EQ(f->waiting_for, s);
        core().wake(*f);
        EXPECT_EQ(f->state, fiber::status::runnable);
        note("waker");
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("4 waker", "5 woken"));
}

TEST_F(parking, wakes_in_the_order_of_the_wakes) {
    fiber* fibers[3] = {};
    for (int i = 0; i < 3; ++i)
        fibers[i] = &loop().start([&, i] {
            fibers[i]->state = fiber::status::parked;
            core().park();
            note(std::to_string(i));
        });
    loop().callback([&] {
        for (const int i : {1, 2, 0}) core().wake(*fibers[i]);
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("2 1", "2 2", "2 0"));
}

TEST_F(parking, ends_in_its_turn_where_the_fiber_woke_itself_before) {
    loop().start([&] {
        fiber& self = *core().current();
        for (int i = 0; i < 3; ++i) {
            self.state = fiber::status::parked;
            core().wake(self);
            core().park();
            note("goes on");
        }
    });
    for (const char* name : {"a", "b"})
        loop().start([&, name] {
            for (int i = 0; i < 2; ++i) {
                note(name);
                core().yield();
            }
        });
    loop().run();
    EXPECT_THAT(story(),
                ElementsAre("1 a", "1 b", "2 goes on", "2 a", "2 b", "3 goes on", "4 goes on"));
}

/// The entry runs on the parking fiber's own stack, before the switch to the next one.
TEST_F(parking, ends_in_its_turn_where_the_next_entry_wakes_the_fiber) {
    fiber* parked = nullptr;
    parked = &loop().start([&] {
        parked->state = fiber::status::parked;
        core().park();
        note("woken");
    });
    loop().bookkeeping([&] { core().wake(*parked); });
    loop().start([&] {
        note("other");
        core().yield();
        note("other");
        core().yield();
        note("other");
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("1 other", "2 woken", "2 other", "3 other"));
}

TEST_F(parking, ends_where_the_fiber_woke_itself_before) {
    loop().start([&] {
        fiber& self = *core().current();
        self.state = fiber::status::parked;
        core().wake(self);
        core().park();
        note("goes on");
    });
    loop().run();
    EXPECT_THAT(story(), ElementsAre("2 goes on"));
}

TEST_F(parking_death, wakes_only_who_is_parked) {
    EXPECT_DEATH(without_dump([&] { core().wake(loop().start([] {})); }),
                 "a fiber that is not parked was woken");
}

// ---------------------------------------------------------------------------------------- stacks

TEST_F(stacks, of_fibers_that_have_ended_are_used_again) {
    std::set<void*> seen;
    for (int i = 0; i < 100; ++i) {
        seen.insert(loop().start([&] { yield(); }).memory.top);
        loop().run();
    }
    EXPECT_EQ(seen.size(), 1U);
    EXPECT_EQ(core().stacks().statistics().slabs, 1U);
}

TEST_F(stacks, are_given_back_when_the_next_fiber_ends) {
    for (int i = 0; i < 100; ++i) loop().start([] {});
    EXPECT_EQ(core().stacks().statistics().in_use, 100U);
    loop().run();
    EXPECT_EQ(core().stacks().statistics().in_use, 1U);
}

TEST_F(stacks, of_fibers_made_by_one_another_are_two) {
    std::set<void*> seen;
    std::function<void(int)> next = [&](int left) {
        if (left == 0) return;
        seen.insert(loop().start([&, left] { next(left - 1); }).memory.top);
    };
    next(100);
    loop().run();
    EXPECT_EQ(seen.size(), 2U);
}

TEST_F(stacks, of_eager_fibers_that_end_are_used_again) {
    std::set<void*> seen;
    loop().callback([&] {
        for (int i = 0; i < 100; ++i) {
            fiber& f = loop().make([] {});
            seen.insert(f.memory.top);
            core().start_eagerly(f);
        }
    });
    loop().run();
    EXPECT_EQ(seen.size(), 1U);
}

TEST_F(stacks, are_all_given_back_when_the_loop_closes) {
    loop().start([] {});
    loop().run();
    EXPECT_EQ(core().stacks().statistics().in_use, 1U);
    core().close();
    EXPECT_EQ(core().stacks().statistics().in_use, 0U);
}

#if defined(BRIO_ADDRESS_SANITIZER)
TEST_F(stacks, of_fibers_that_never_end_leave_no_poison) {
    stack memory;
    const auto poisoned = [&] { return __asan_region_is_poisoned(memory.limit, memory.size); };
    {
        bare_loop other;
        memory = other
                     .start([&] {
                         signal never_comes(*other.core().current());
                         park(*other.core().current(), never_comes);
                     })
                     .memory;
        other.run();
        EXPECT_NE(poisoned(), nullptr);
    }
    EXPECT_EQ(poisoned(), nullptr);
}
#endif

TEST_F(stacks, hold_the_fiber_s_record_at_their_top) {
    fiber& f = loop().make([] {});
    const auto record = reinterpret_cast<std::uintptr_t>(&f);
    const auto top = reinterpret_cast<std::uintptr_t>(f.memory.top);
    EXPECT_EQ(record % 64, 0U);
    EXPECT_LE(record + sizeof(fiber), top);
    EXPECT_GT(record + sizeof(fiber) + 64, top);
    core().start(f);
    loop().run();
}

}  // namespace
}  // namespace brio_tests
