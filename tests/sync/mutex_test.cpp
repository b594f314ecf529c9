// mutex: order, cancels, the RAII forms, misuse.

#include "task/story.hpp"

#include <mutex>

namespace {

using namespace story;

/// A task that takes the lock, says so, and gives it back after `held`.
auto taking(brio::mutex& m, lines& seen, const char* name, brio::delay held = 0s) {
    return brio::create_task(
        [&m, &seen, name, held] {
            m.acquire();
            seen.emplace_back(name);
            brio::sleep(held);
            m.release();
        },
        {.name = name});
}

TEST(mutex, can_be_made_before_any_loop_runs_and_used_without_waiting_outside_a_task) {
    static constinit brio::mutex m;
    EXPECT_FALSE(m.locked());
    m.acquire();
    EXPECT_TRUE(m.locked());
    m.release();
    EXPECT_FALSE(m.locked());
    static_assert(std::is_same_v<brio::lock, brio::mutex>);
}

TEST(mutex, does_not_suspend_when_it_is_free) {
    run([] {
        brio::mutex m;
        const hops since;
        m.acquire();
        m.release();
        EXPECT_EQ(since.so_far(), 0);
    });
}

TEST(mutex, is_had_in_the_order_in_which_it_was_asked_for) {
    run([] {
        brio::mutex m;
        lines seen;
        m.acquire();
        std::vector<brio::task<void>> tasks;
        for (const char* name : {"a", "b", "c"}) tasks.push_back(taking(m, seen, name));
        turns(3);
        EXPECT_THAT(seen, IsEmpty());
        m.release();
        brio::gather(tasks).await();
        EXPECT_THAT(seen, ElementsAre("a", "b", "c"));
        EXPECT_FALSE(m.locked());
    });
}

TEST(mutex, is_had_one_turn_after_its_release) {
    run([] {
        brio::mutex m;
        hops since;
        int hops_needed = -1;
        m.acquire();
        auto t = brio::create_task([&] {
            m.acquire();
            hops_needed = since.so_far();
            m.release();
        });
        turns(1);
        since.restart();
        m.release();
        t.await();
        EXPECT_EQ(hops_needed, 1);
    });
}

TEST(mutex, is_not_given_to_a_newcomer_while_the_next_one_wakes_up) {
    run([] {
        brio::mutex m;
        lines seen;
        m.acquire();
        auto waiting = taking(m, seen, "waiting");
        turns(1);
        m.release();
        EXPECT_FALSE(m.locked());
        EXPECT_FALSE(m.try_lock());
        m.acquire();
        seen.emplace_back("newcomer");
        m.release();
        EXPECT_THAT(seen, ElementsAre("waiting", "newcomer"));
        waiting.await();
    });
}

TEST(mutex, may_be_released_by_another_task) {
    run([] {
        brio::mutex m;
        m.acquire();
        brio::create_task([&] { m.release(); }).await();
        EXPECT_FALSE(m.locked());
    });
}

// ------------------------------------------------------------------------------------------ cancels

TEST(mutex, is_had_in_spite_of_a_pending_cancel_when_nothing_has_to_be_waited_for) {
    run([] {
        brio::mutex m;
        brio::current_task().cancel();
        m.acquire();
        EXPECT_EQ(ending([] { brio::yield(); }), "cancelled");
        EXPECT_TRUE(m.locked());
    });
}

TEST(mutex, is_not_waited_for_by_a_task_that_is_cancelled_already) {
    run([] {
        brio::mutex m;
        m.acquire();
        const hops since;
        brio::current_task().cancel("early");
        EXPECT_EQ(ending([&] { m.acquire(); }), "cancelled(early)");
        EXPECT_EQ(since.so_far(), 1);
        m.release();
        m.acquire();  // nobody is in line
        EXPECT_EQ(since.so_far(), 1);
    });
}

TEST(mutex, is_not_had_by_a_task_that_is_cancelled_while_it_waits) {
    run([] {
        brio::mutex m;
        lines seen;
        m.acquire();
        auto a = taking(m, seen, "a");
        auto b = taking(m, seen, "b");
        turns(1);
        a.cancel();
        turns(2);
        EXPECT_TRUE(a.cancelled());
        m.release();
        b.await();
        EXPECT_THAT(seen, ElementsAre("b"));
        EXPECT_FALSE(m.locked());
    });
}

TEST(mutex, goes_on_to_the_next_one_when_the_first_is_cancelled_as_he_wakes_up) {
    run([] {
        brio::mutex m;
        lines seen;
        hops since;
        m.acquire();
        auto a = taking(m, seen, "a");
        auto b = brio::create_task([&] {
            m.acquire();
            seen.push_back("b after " + std::to_string(since.so_far()));
        });
        turns(1);
        since.restart();
        m.release();
        a.cancel();
        b.await();
        EXPECT_TRUE(a.cancelled());
        EXPECT_THAT(seen, ElementsAre("b after 2"));
    });
}

TEST(mutex, goes_on_to_the_next_one_when_it_is_released_before_a_cancelled_one_has_left) {
    run([] {
        brio::mutex m;
        lines seen;
        m.acquire();
        auto a = taking(m, seen, "a");
        auto b = taking(m, seen, "b");
        turns(1);
        a.cancel();
        m.release();
        b.await();
        EXPECT_TRUE(a.cancelled());
        EXPECT_THAT(seen, ElementsAre("b"));
    });
}

TEST(mutex, is_free_at_once_when_all_who_waited_have_been_cancelled) {
    run([] {
        brio::mutex m;
        lines seen;
        m.acquire();
        auto a = taking(m, seen, "a");
        turns(1);
        a.cancel();
        m.release();
        const hops since;
        m.acquire();
        EXPECT_EQ(since.so_far(), 0);
        turns(2);
        EXPECT_TRUE(a.cancelled());
        EXPECT_TRUE(m.locked());
    });
}

TEST(mutex, is_waited_for_to_the_end_in_a_destructor_that_runs_while_the_task_unwinds) {
    run([] {
        brio::mutex m;
        lines seen;
        struct logs_at_end {
            brio::mutex& m;
            lines& seen;
            ~logs_at_end() {
                const std::scoped_lock held(m);
                seen.emplace_back("logged");
            }
        };
        m.acquire();
        auto t = brio::create_task([&] {
            const logs_at_end end{m, seen};
            brio::sleep(1h);
        });
        turns(1);
        t.cancel();
        turns(1);
        t.cancel("again");  // while the destructor waits
        turns(2);
        EXPECT_THAT(seen, IsEmpty());
        m.release();
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled");
        EXPECT_THAT(seen, ElementsAre("logged"));
        EXPECT_FALSE(m.locked());
    });
}

// ---------------------------------------------------------------------------------------- RAII forms

TEST(mutex, is_held_for_a_scope_by_the_standard_s_guards) {
    run([] {
        brio::mutex m;
        {
            const std::scoped_lock held(m);
            EXPECT_TRUE(m.locked());
        }
        {
            const std::lock_guard held(m);
            EXPECT_TRUE(m.locked());
        }
        EXPECT_FALSE(m.locked());
        std::unique_lock later(m, std::defer_lock);
        EXPECT_TRUE(later.try_lock());
        later.unlock();
        later.lock();
        const std::unique_lock refused(m, std::try_to_lock);
        EXPECT_FALSE(refused.owns_lock());
    });
}

TEST(mutex, is_released_by_a_guard_when_an_exception_leaves) {
    run([] {
        brio::mutex m;
        EXPECT_EQ(ending([&] {
                      const std::scoped_lock held(m);
                      throw std::runtime_error("left");
                  }),
                  "left");
        EXPECT_FALSE(m.locked());
    });
}

TEST(mutex, is_not_held_by_a_guard_whose_wait_was_cancelled) {
    run([] {
        brio::mutex m;
        m.acquire();
        auto t = brio::create_task([&] { const std::scoped_lock held(m); });
        turns(1);
        t.cancel();
        turns(2);
        EXPECT_TRUE(t.cancelled());
        EXPECT_TRUE(m.locked());
    });
}

TEST(mutex, can_be_locked_together_with_another_in_any_order) {
    run([] {
        brio::mutex a, b;
        int inside = 0, rounds = 0;
        const auto body = [&](brio::mutex& first, brio::mutex& second) {
            for (int i = 0; i < 10; ++i) {
                const std::scoped_lock held(first, second);
                EXPECT_EQ(++inside, 1);
                brio::yield();
                --inside;
                ++rounds;
            }
        };
        brio::gather([&] { body(a, b); }, [&] { body(b, a); }).await();
        EXPECT_EQ(rounds, 20);
    });
}

// -------------------------------------------------------------------------------------------- misuse

TEST(mutex, refuses_a_release_when_it_is_not_held) {
    brio::mutex m;
    EXPECT_EQ(text_of<brio::usage_error>([&] { m.release(); }),
              "mutex::release: the lock is not held");
}

TEST(mutex, reports_an_unlock_that_it_refuses_and_throws_nothing) {
    run([] {
        const reports told;
        brio::mutex m;
        m.unlock();
        EXPECT_THAT(told.told(),
                    ElementsAre("exception in unlock | mutex::release: the lock is not held"));
    });
}

TEST(mutex, reports_a_refused_unlock_to_standard_error_where_no_loop_runs) {
    ::testing::internal::CaptureStderr();
    brio::mutex m;
    m.unlock();
    EXPECT_EQ(::testing::internal::GetCapturedStderr(),
              "brio: exception in unlock\n"
              "  brio::usage_error: mutex::release: the lock is not held\n");
}

TEST(mutex, refuses_to_wait_outside_a_task) {
    brio::mutex m;
    m.acquire();
    EXPECT_THAT(text_of<brio::usage_error>([&] { m.acquire(); }),
                HasSubstr("mutex::acquire suspends, so it must be called in a task"));
}

TEST(mutex, aborts_when_it_is_destroyed_while_a_task_waits_for_it) {
    EXPECT_DEATH(run([] {
                     brio::task<void> t;
                     {
                         brio::mutex m;
                         m.acquire();
                         t = brio::create_task([&] { m.acquire(); }, {.name = "waiting"});
                         turns(1);
                     }
                 }),
                 "destroyed while a task waits for it(.|\n)*'waiting'.*waits for lock");
}

TEST(mutex, forgets_those_who_waited_on_a_loop_that_has_been_closed) {
    const leaks allowed;
    brio::mutex m;
    m.acquire();
    {
        brio::testing::runner r;
        const reports told(r.get_loop());
        r.run([&] {
            brio::create_task([&] {
                while (ending([&] { m.acquire(); }) == "cancelled") continue;
            });
            turns(1);
        });
    }
    m.release();  // reaches nobody
    m.acquire();
    m.release();
    EXPECT_FALSE(m.locked());
}

}  // namespace
