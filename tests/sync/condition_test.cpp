// condition: its lock, who is notified, cancels that must not keep the lock from being held again.

#include "task/story.hpp"

#include <mutex>

namespace {

using namespace story;

auto waiting(brio::condition& c, lines& seen, const char* name) {
    return brio::create_task([&c, &seen, name] {
        const std::scoped_lock held(c);
        c.wait();
        EXPECT_TRUE(c.locked());
        seen.emplace_back(name);
    });
}

void notify(brio::condition& c, std::size_t n) {
    const std::scoped_lock held(c);
    c.notify(n);
}

TEST(condition, releases_its_lock_while_it_waits_and_holds_it_again_afterwards) {
    run([] {
        brio::condition c;
        lines seen;
        auto t = waiting(c, seen, "t");
        turns(1);
        EXPECT_FALSE(c.locked());
        c.acquire();
        c.notify();
        turns(2);
        EXPECT_THAT(seen, IsEmpty());  // the lock is held here
        c.release();
        t.await();
        EXPECT_THAT(seen, ElementsAre("t"));
        EXPECT_FALSE(c.locked());
    });
}

TEST(condition, notifies_as_many_as_it_is_told_the_first_ones_first) {
    run([] {
        brio::condition c;
        lines seen;
        std::vector<brio::task<void>> tasks;
        for (const char* name : {"a", "b", "c", "d", "e"}) tasks.push_back(waiting(c, seen, name));
        turns(1);
        notify(c, 1);
        turns(3);
        EXPECT_THAT(seen, ElementsAre("a"));
        notify(c, 2);
        notify(c, 0);
        turns(5);
        EXPECT_THAT(seen, ElementsAre("a", "b", "c"));
        {
            const std::scoped_lock held(c);
            c.notify_all();
            c.notify_all();
        }
        brio::gather(tasks).await();
        EXPECT_THAT(seen, ElementsAre("a", "b", "c", "d", "e"));
        notify(c, 1);  // reaches nobody
    });
}

TEST(condition, does_not_count_one_who_is_notified_twice_before_he_runs) {
    run([] {
        brio::condition c;
        lines seen;
        auto a = waiting(c, seen, "a");
        auto b = waiting(c, seen, "b");
        turns(1);
        c.acquire();
        c.notify(1);
        c.notify(1);
        c.release();
        brio::gather(a, b).await();
        EXPECT_THAT(seen, ElementsAre("a", "b"));
    });
}

TEST(condition, waits_until_a_predicate_holds) {
    run([] {
        brio::condition c;
        int number = 0;
        auto t = brio::create_task([&] {
            const std::scoped_lock held(c);
            c.wait_for([&] { return number >= 2; });
            return number;
        });
        for (int i = 0; i < 4 && !t.done(); ++i) {
            turns(3);
            const std::scoped_lock held(c);
            ++number;
            c.notify_all();
        }
        EXPECT_EQ(t.await(), 2);
    });
}

TEST(condition, holds_its_lock_when_a_predicate_throws) {
    run([] {
        brio::condition c;
        c.acquire();
        EXPECT_EQ(
            ending([&] { c.wait_for([]() -> bool { throw std::runtime_error("no answer"); }); }),
            "no answer");
        EXPECT_TRUE(c.locked());
    });
}

TEST(condition, can_share_its_lock_with_another) {
    run([] {
        brio::lock m;
        brio::condition full(m), empty(m);
        lines seen;
        auto a = waiting(full, seen, "full");
        auto b = waiting(empty, seen, "empty");
        turns(1);
        m.acquire();
        EXPECT_TRUE(full.locked());
        EXPECT_FALSE(empty.try_lock());
        empty.notify();
        m.release();
        b.await();
        EXPECT_THAT(seen, ElementsAre("empty"));
        notify(full, 1);
        a.await();
    });
}

// ------------------------------------------------------------------------------------------ cancels

TEST(condition, holds_its_lock_again_before_a_cancel_leaves_the_wait) {
    run([] {
        brio::condition c;
        lines seen;
        auto t = brio::create_task([&] {
            const std::scoped_lock held(c);
            EXPECT_EQ(ending([&] { c.wait(); }), "cancelled(enough)");
            EXPECT_TRUE(c.locked());
            seen.emplace_back("held");
        });
        turns(1);
        c.acquire();
        t.cancel("enough");
        turns(3);
        EXPECT_THAT(seen, IsEmpty());
        c.release();
        t.await();
        EXPECT_THAT(seen, ElementsAre("held"));
        EXPECT_FALSE(c.locked());
    });
}

TEST(condition, throws_the_latest_of_the_cancels_that_came_while_it_waited_for_the_lock) {
    run([] {
        brio::condition c;
        std::string end;
        auto t = brio::create_task([&] {
            const std::scoped_lock held(c);
            end = ending([&] { c.wait(); });
            EXPECT_TRUE(c.locked());
        });
        turns(1);
        c.acquire();
        for (const char* message : {"first", "second", "third"}) {
            t.cancel(message);
            turns(2);
        }
        c.release();
        t.await();
        EXPECT_EQ(end, "cancelled(third)");
    });
}

TEST(condition, is_cancelled_at_once_when_a_cancel_is_pending) {
    run([] {
        brio::condition c;
        c.acquire();
        brio::current_task().cancel("before");
        EXPECT_EQ(ending([&] { c.wait(); }), "cancelled(before)");
        EXPECT_TRUE(c.locked());
        c.release();
    });
}

TEST(condition, notifies_somebody_else_when_the_one_it_has_notified_is_cancelled_as_he_wakes) {
    run([] {
        brio::condition c;
        lines seen;
        auto a = waiting(c, seen, "a");
        auto b = waiting(c, seen, "b");
        turns(1);
        notify(c, 1);
        a.cancel();
        b.await();
        EXPECT_TRUE(a.cancelled());
        EXPECT_THAT(seen, ElementsAre("b"));
    });
}

TEST(condition, notifies_somebody_else_when_the_one_it_has_notified_is_cancelled_before_the_lock) {
    run([] {
        brio::condition c;
        lines seen;
        auto a = waiting(c, seen, "a");
        auto b = waiting(c, seen, "b");
        turns(1);
        c.acquire();
        c.notify(1);
        turns(2);  // a waits for the lock now
        a.cancel();
        turns(2);
        c.release();
        b.await();
        EXPECT_TRUE(a.cancelled());
        EXPECT_THAT(seen, ElementsAre("b"));
    });
}

TEST(condition, ends_in_timeout_error_with_its_lock_held) {
    run([] {
        brio::condition c;
        const std::scoped_lock held(c);
        EXPECT_EQ(ending([&] { brio::timeout(2s, [&] { c.wait(); }); }), "timeout");
        EXPECT_TRUE(c.locked());
        EXPECT_EQ(now(), 2000);
    });
}

// -------------------------------------------------------------------------------------------- misuse

TEST(condition, refuses_what_needs_the_lock_when_it_is_not_held) {
    run([] {
        const reports told;
        brio::condition c;
        EXPECT_EQ(text_of<brio::usage_error>([&] { c.wait(); }),
                  "condition::wait: the lock is not held");
        EXPECT_EQ(text_of<brio::usage_error>([&] { c.notify(); }),
                  "condition::notify: the lock is not held");
        EXPECT_EQ(text_of<brio::usage_error>([&] { c.notify_all(); }),
                  "condition::notify: the lock is not held");
        EXPECT_EQ(text_of<brio::usage_error>([&] { c.release(); }),
                  "mutex::release: the lock is not held");
        c.unlock();
        EXPECT_THAT(told.told(),
                    ElementsAre("exception in unlock | mutex::release: the lock is not held"));
    });
}

TEST(condition, keeps_its_lock_held_where_it_refuses_to_wait_outside_a_task) {
    brio::condition c;
    c.acquire();
    EXPECT_THAT(text_of<brio::usage_error>([&] { c.wait(); }),
                HasSubstr("condition::wait suspends, so it must be called in a task"));
    EXPECT_TRUE(c.locked());
}

}  // namespace
