// semaphore and bounded_semaphore: order, hand-over, cancels, misuse.

#include "task/story.hpp"

#include <mutex>

namespace {

using namespace story;

auto taking(brio::semaphore& s, lines& seen, const char* name) {
    return brio::create_task([&s, &seen, name] {
        s.acquire();
        seen.emplace_back(name);
    });
}

TEST(semaphore, lets_as_many_in_as_its_value_says) {
    run([] {
        brio::semaphore s(3);
        int inside = 0, most = 0;
        const auto body = [&] {
            const std::scoped_lock held(s);
            most = std::max(most, ++inside);
            brio::sleep(1s);
            --inside;
        };
        brio::gather(std::vector(10, body)).await();
        EXPECT_EQ(most, 3);
        EXPECT_EQ(now(), 4000);
        EXPECT_FALSE(s.locked());
    });
}

TEST(semaphore, does_not_suspend_while_there_is_one_left) {
    run([] {
        brio::semaphore s(2);
        const hops since;
        s.acquire();
        EXPECT_FALSE(s.locked());
        s.acquire();
        EXPECT_TRUE(s.locked());
        EXPECT_FALSE(s.try_lock());
        s.release();
        EXPECT_TRUE(s.try_lock());
        EXPECT_EQ(since.so_far(), 0);
    });
}

TEST(semaphore, hands_what_is_released_to_the_first_who_waits_at_once) {
    run([] {
        brio::semaphore s(0);
        lines seen;
        auto a = taking(s, seen, "a");
        auto b = taking(s, seen, "b");
        turns(1);
        s.release();
        EXPECT_TRUE(s.locked());
        EXPECT_FALSE(s.try_lock());
        turns(1);
        EXPECT_THAT(seen, ElementsAre("a"));
        s.release();
        brio::gather(a, b).await();
        EXPECT_THAT(seen, ElementsAre("a", "b"));
    });
}

TEST(semaphore, lets_nobody_pass_those_who_wait) {
    run([] {
        brio::semaphore s(0);
        lines seen;
        auto a = taking(s, seen, "a");
        turns(1);
        s.release();
        s.release();  // one for a, one that is left
        auto b = taking(s, seen, "b");
        auto c = taking(s, seen, "c");
        s.acquire();
        seen.emplace_back("main");
        s.release();
        s.release();
        brio::gather(a, b, c).await();
        EXPECT_THAT(seen, ElementsAre("a", "main", "b", "c"));
    });
}

TEST(semaphore, may_be_given_more_than_it_was_made_with) {
    brio::semaphore s(0);
    s.release();
    s.release();
    EXPECT_TRUE(s.try_lock());
    EXPECT_TRUE(s.try_lock());
    EXPECT_FALSE(s.try_lock());
}

// ------------------------------------------------------------------------------------------ cancels

TEST(semaphore, is_not_taken_by_a_task_that_is_cancelled_before_or_while_it_waits) {
    run([] {
        brio::semaphore s(0);
        lines seen;
        brio::current_task().cancel("before");
        EXPECT_EQ(ending([&] { s.acquire(); }), "cancelled(before)");
        auto a = taking(s, seen, "a");
        auto b = taking(s, seen, "b");
        turns(1);
        a.cancel();
        s.release();
        b.await();
        EXPECT_TRUE(a.cancelled());
        EXPECT_THAT(seen, ElementsAre("b"));
        EXPECT_TRUE(s.locked());
    });
}

TEST(semaphore, goes_on_to_the_next_one_when_the_first_is_cancelled_as_he_wakes_up) {
    run([] {
        brio::semaphore s(0);
        lines seen;
        hops since;
        auto a = taking(s, seen, "a");
        auto b = brio::create_task([&] {
            s.acquire();
            seen.push_back("b after " + std::to_string(since.so_far()));
        });
        turns(1);
        since.restart();
        s.release();
        a.cancel();
        b.await();
        EXPECT_THAT(seen, ElementsAre("b after 2"));
        EXPECT_TRUE(s.locked());
    });
}

TEST(semaphore, is_given_back_when_the_only_one_is_cancelled_as_he_wakes_up) {
    run([] {
        brio::semaphore s(0);
        lines seen;
        auto a = taking(s, seen, "a");
        turns(1);
        s.release();
        a.cancel();
        turns(2);
        EXPECT_TRUE(a.cancelled());
        EXPECT_FALSE(s.locked());
        EXPECT_TRUE(s.try_lock());
        EXPECT_FALSE(s.try_lock());
    });
}

TEST(semaphore, loses_none_when_many_are_cancelled_in_every_state) {
    run([] {
        brio::semaphore s(2);
        std::vector<brio::task<void>> tasks;
        for (int i = 0; i < 60; ++i)
            tasks.push_back(brio::create_task([&s, i] {
                const std::scoped_lock held(s);
                turns(i % 3);
            }));
        for (std::size_t i = 0; i < tasks.size(); ++i) {
            if (i % 2 == 0) tasks[(i * 7) % tasks.size()].cancel();
            turns(static_cast<int>(i % 3));
        }
        static_cast<void>(brio::wait(tasks));
        EXPECT_TRUE(s.try_lock());
        EXPECT_TRUE(s.try_lock());
        EXPECT_FALSE(s.try_lock());
    });
}

// -------------------------------------------------------------------------------------------- misuse

TEST(semaphore, refuses_a_value_below_0) {
    EXPECT_EQ(text_of<std::invalid_argument>([] { brio::semaphore s(-1); }),
              "semaphore: the value is below 0");
    EXPECT_EQ(text_of<std::invalid_argument>([] { brio::bounded_semaphore s(-1); }),
              "semaphore: the value is below 0");
}

TEST(semaphore, refuses_to_wait_outside_a_task) {
    brio::semaphore s(0);
    EXPECT_THAT(text_of<brio::usage_error>([&] { s.acquire(); }),
                HasSubstr("semaphore::acquire suspends, so it must be called in a task"));
}

TEST(bounded_semaphore, refuses_to_be_released_more_often_than_it_was_acquired) {
    run([] {
        const reports told;
        brio::bounded_semaphore s(2);
        brio::semaphore& base = s;
        base.acquire();
        base.release();
        EXPECT_EQ(text_of<std::invalid_argument>([&] { base.release(); }),
                  "semaphore::release: it was released too many times");
        s.unlock();
        EXPECT_THAT(told.told(), ElementsAre("exception in unlock | semaphore::release: it was "
                                             "released too many times"));
        s.acquire();
        s.acquire();
        EXPECT_TRUE(s.locked());
    });
}

}  // namespace
