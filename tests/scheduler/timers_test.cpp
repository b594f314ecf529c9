#include "scheduler/timers.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <random>
#include <utility>
#include <vector>

namespace {

using brio::duration;
using brio::time_point;
using brio::detail::timer;
using brio::detail::timer_heap;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct numbered : timer {
    explicit numbered(int n = 0) : timer(kind::bookkeeping, nullptr), number(n) {}
    int number;
};

time_point at(int when) {
    return time_point(duration(when));
}

/// The numbers of what comes out, to the last.
std::vector<int> all_of(timer_heap& heap) {
    std::vector<int> numbers;
    while (timer* const t = heap.pop()) numbers.push_back(static_cast<numbered*>(t)->number);
    return numbers;
}

class timers : public ::testing::Test {
protected:
    void arm(int number, int when) { heap.arm(five[static_cast<std::size_t>(number)], at(when)); }
    void disarm(int number) { heap.disarm(five[static_cast<std::size_t>(number)]); }

    numbered five[5] = {numbered(0), numbered(1), numbered(2), numbered(3), numbered(4)};
    timer_heap heap;
};

TEST_F(timers, are_none_at_first) {
    EXPECT_TRUE(heap.empty());
    EXPECT_EQ(heap.size(), 0U);
    EXPECT_EQ(heap.pop(), nullptr);
    EXPECT_EQ(heap.pop_due(time_point::max()), nullptr);
}

TEST_F(timers, come_in_the_order_of_their_times) {
    arm(0, 30);
    arm(1, 10);
    arm(2, 50);
    arm(3, 20);
    arm(4, 40);
    EXPECT_EQ(heap.size(), 5U);
    EXPECT_EQ(heap.next(), at(10));
    EXPECT_THAT(all_of(heap), ElementsAre(1, 3, 0, 4, 2));
    EXPECT_TRUE(heap.empty());
}

TEST_F(timers, of_one_time_come_in_the_order_of_arming) {
    for (const int number : {3, 0, 4, 1, 2}) arm(number, 7);
    EXPECT_THAT(all_of(heap), ElementsAre(3, 0, 4, 1, 2));
}

TEST_F(timers, that_are_armed_again_take_the_new_time_and_lose_their_place_among_equals) {
    arm(0, 10);
    arm(1, 10);
    arm(2, 10);
    arm(3, 30);
    arm(0, 10);
    arm(3, 5);
    arm(1, 40);
    EXPECT_EQ(heap.size(), 4U);
    EXPECT_THAT(all_of(heap), ElementsAre(3, 2, 0, 1));
}

TEST_F(timers, are_disarmed_wherever_they_are) {
    for (int gone = 0; gone < 5; ++gone) {
        for (int i = 0; i < 5; ++i) arm(i, 10 * i);
        disarm(gone);
        EXPECT_FALSE(five[gone].armed());
        EXPECT_EQ(heap.size(), 4U);
        std::vector<int> left = {0, 1, 2, 3, 4};
        left.erase(left.begin() + gone);
        EXPECT_EQ(all_of(heap), left);
    }
}

TEST_F(timers, can_be_disarmed_at_any_time) {
    disarm(0);  // never armed
    arm(0, 1);
    arm(1, 2);
    disarm(0);
    disarm(0);
    EXPECT_EQ(heap.pop(), &five[1]);
    disarm(1);  // has come already
    EXPECT_TRUE(heap.empty());
}

TEST_F(timers, know_whether_they_are_armed) {
    EXPECT_FALSE(five[0].armed());
    arm(0, 1);
    EXPECT_TRUE(five[0].armed());
    EXPECT_EQ(five[0].when, at(1));
    heap.pop();
    EXPECT_FALSE(five[0].armed());
}

TEST_F(timers, are_due_at_their_time_and_not_before) {
    arm(0, 10);
    arm(1, 20);
    EXPECT_EQ(heap.pop_due(at(9)), nullptr);
    EXPECT_EQ(heap.pop_due(at(10)), &five[0]);
    EXPECT_EQ(heap.pop_due(at(10)), nullptr);
    EXPECT_EQ(heap.pop_due(at(25)), &five[1]);
    EXPECT_TRUE(heap.empty());
}

TEST_F(timers, may_lie_at_either_end_of_time) {
    heap.arm(five[0], time_point::max());
    heap.arm(five[1], time_point::min());
    heap.arm(five[2], at(0));
    EXPECT_THAT(all_of(heap), ElementsAre(1, 2, 0));
}

// The last one moves into the hole, and has to go up where its new parent is later. That takes a
// hole in another branch than the last one's.
TEST(timer_heap, moves_the_last_up_where_a_hole_needs_it) {
    // The root; its children; those of the first, all late; those of the second; one of the third.
    const std::vector<int> when = {1, 100, 2, 3, 4, 101, 102, 103, 104, 105, 106, 107, 108, 5};
    timer_heap heap;
    std::deque<numbered> timers;
    for (std::size_t i = 0; i < when.size(); ++i)
        heap.arm(timers.emplace_back(static_cast<int>(i)), at(when[i]));
    heap.disarm(timers[5]);
    EXPECT_THAT(all_of(heap), ElementsAre(0, 2, 3, 4, 13, 1, 6, 7, 8, 9, 10, 11, 12));
}

/// The heap against an ordered map.
class modelled {
public:
    explicit modelled(unsigned seed) : random_(seed) {
        for (int i = 0; i < 2000; ++i) timers_.emplace_back(i);
    }

    // Few different times, so that ties are frequent.
    void arm() {
        numbered& t = any();
        forget(t);
        const time_point when = at(number_below(500));
        heap_.arm(t, when);
        keys_[&t] = {when, ++armed_};
        model_[keys_[&t]] = &t;
    }
    void disarm() {
        numbered& t = any();
        heap_.disarm(t);
        forget(t);
    }
    void pop() {
        timer* const expected = model_.empty() ? nullptr : model_.begin()->second;
        ASSERT_EQ(heap_.pop(), expected);
        if (expected != nullptr) forget(*expected);
    }
    void pop_due() {
        const time_point now = at(number_below(200));
        while (!model_.empty() && model_.begin()->first.first <= now) {
            timer* const expected = model_.begin()->second;
            ASSERT_EQ(heap_.pop_due(now), expected);
            forget(*expected);
        }
        ASSERT_EQ(heap_.pop_due(now), nullptr);
    }
    void compare() {
        ASSERT_EQ(heap_.size(), model_.size());
        ASSERT_EQ(heap_.empty(), model_.empty());
        if (!model_.empty()) {
            ASSERT_EQ(heap_.next(), model_.begin()->first.first);
        }
        const numbered& t = any();
        ASSERT_EQ(t.armed(), keys_.contains(&t));
    }
    int number_below(int limit) {
        return static_cast<int>(random_() % static_cast<unsigned>(limit));
    }
    [[nodiscard]] bool empty() const { return model_.empty(); }

private:
    using key = std::pair<time_point, std::uint64_t>;

    numbered& any() { return timers_[random_() % timers_.size()]; }
    void forget(const timer& t) {
        const auto found = keys_.find(&t);
        if (found == keys_.end()) return;
        model_.erase(found->second);
        keys_.erase(found);
    }

    std::mt19937 random_;
    std::deque<numbered> timers_;
    timer_heap heap_;
    std::map<key, timer*> model_;
    std::map<const timer*, key> keys_;
    std::uint64_t armed_ = 0;
};

TEST(timer_heap, does_what_an_ordered_map_does) {
    for (unsigned seed = 0; seed < 4; ++seed) {
        modelled m(seed);
        for (int step = 0; step < 25'000; ++step) {
            const int what = m.number_below(1000);
            if (what < 600)
                m.arm();
            else if (what < 850)
                m.disarm();
            else if (what < 998)
                m.pop();
            else
                m.pop_due();
            ASSERT_NO_FATAL_FAILURE(m.compare()) << "seed " << seed << ", step " << step;
        }
        while (!m.empty()) ASSERT_NO_FATAL_FAILURE(m.pop()) << "seed " << seed;
    }
}

}  // namespace
