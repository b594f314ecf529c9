// queue, lifo_queue, priority_queue without waiting: what comes out when, and that no item gets lost.

#include "task/story.hpp"

#include <algorithm>
#include <random>

namespace {

using namespace story;

template <class Queue>
std::vector<int> emptied(Queue& q) {
    std::vector<int> all;
    while (!q.empty()) all.push_back(q.get_nowait());
    return all;
}

TEST(queue, gives_out_items_in_the_order_in_which_they_were_put) {
    brio::queue<int> q;
    for (const int i : {1, 3, 2}) q.put_nowait(i);
    EXPECT_EQ(q.qsize(), 3U);
    EXPECT_THAT(emptied(q), ElementsAre(1, 3, 2));
    EXPECT_TRUE(q.empty());
}

TEST(queue, gives_out_the_last_item_first_as_a_lifo_queue) {
    brio::lifo_queue<int> q;
    for (const int i : {1, 3, 2}) q.put_nowait(i);
    EXPECT_THAT(emptied(q), ElementsAre(2, 3, 1));
}

TEST(queue, gives_out_the_smallest_item_first_as_a_priority_queue) {
    std::mt19937 random(1);
    for (int n = 0; n < 50; ++n) {
        brio::priority_queue<int> q;
        std::vector<int> items;
        for (int i = 0; i < n; ++i) items.push_back(static_cast<int>(random() % 20));
        for (const int i : items) q.put_nowait(i);
        std::sort(items.begin(), items.end());
        EXPECT_EQ(emptied(q), items);
    }
}

TEST(queue, takes_another_order_as_a_priority_queue) {
    using entry = std::pair<std::unique_ptr<int>, int>;
    struct by_second {
        bool operator()(const entry& a, const entry& b) const { return a.second < b.second; }
    };
    brio::priority_queue<entry, by_second> q;
    q.put_nowait({std::make_unique<int>(1), 20});
    q.put_nowait({std::make_unique<int>(2), 10});
    EXPECT_EQ(*q.get_nowait().first, 2);
}

TEST(queue, keeps_its_order_while_it_grows_and_goes_round) {
    brio::queue<std::string> q;
    int put = 0, got = 0;
    for (int step = 1; step < 60; ++step) {
        for (int i = 0; i < step; ++i) q.put_nowait(std::to_string(put++));
        for (int i = 0; i < step - 1; ++i) EXPECT_EQ(q.get_nowait(), std::to_string(got++));
    }
    while (!q.empty()) EXPECT_EQ(q.get_nowait(), std::to_string(got++));
    EXPECT_EQ(got, put);
}

TEST(queue, is_full_with_as_many_items_as_it_was_made_for) {
    brio::queue<int> q(2);
    EXPECT_EQ(q.maxsize(), 2U);
    q.put_nowait(1);
    EXPECT_FALSE(q.full());
    q.put_nowait(2);
    EXPECT_TRUE(q.full());
    EXPECT_EQ(text_of<brio::queue_full>([&] { q.put_nowait(3); }),
              "queue::put_nowait: the queue is full");
    EXPECT_THAT(emptied(q), ElementsAre(1, 2));
    EXPECT_EQ(text_of<brio::queue_empty>([&] { static_cast<void>(q.get_nowait()); }),
              "queue::get_nowait: the queue is empty");
}

TEST(queue, is_never_full_without_a_size) {
    brio::queue<int> q;
    EXPECT_EQ(q.maxsize(), 0U);
    for (int i = 0; i < 1000; ++i) q.put_nowait(i);
    EXPECT_FALSE(q.full());
}

TEST(queue, leaves_an_item_untouched_that_it_refuses) {
    brio::queue<std::unique_ptr<int>> q(1);
    auto item = std::make_unique<int>(7);
    q.put_nowait(std::make_unique<int>(1));
    EXPECT_THROW(q.put_nowait(std::move(item)), brio::queue_full);
    q.shutdown();
    EXPECT_THROW(q.put_nowait(std::move(item)), brio::queue_shut_down);
    EXPECT_THROW(q.put(std::move(item)), brio::queue_shut_down);
    ASSERT_NE(item, nullptr);
    EXPECT_EQ(*q.get_nowait(), 1);
}

/// Fails at every copy after the first `copies`; cannot be moved.
struct copied_with_care {
    explicit copied_with_care(int n) : number(n) {}
    copied_with_care(const copied_with_care& other) : number(other.number) {
        if (copies-- == 0) throw std::runtime_error("no more copies");
    }
    int number;
    static inline int copies = 0;
};

template <class Queue>
void keeps_items_whose_copies_fail() {
    Queue q;
    copied_with_care::copies = 1000;
    for (int i = 0; i < 8; ++i) q.put_nowait(copied_with_care(i));
    copied_with_care::copies = 3;  // as it grows
    EXPECT_EQ(ending([&] { q.put_nowait(copied_with_care(8)); }), "no more copies");
    copied_with_care::copies = 0;
    EXPECT_EQ(ending([&] { return q.get_nowait().number; }), "no more copies");
    EXPECT_EQ(q.qsize(), 8U);
    copied_with_care::copies = 1000;
    int sum = 0;
    while (!q.empty()) sum += q.get_nowait().number;
    EXPECT_EQ(sum, 28);
}

TEST(queue, keeps_every_item_when_a_copy_of_one_fails) {
    keeps_items_whose_copies_fail<brio::queue<copied_with_care>>();
    keeps_items_whose_copies_fail<brio::lifo_queue<copied_with_care>>();
}

TEST(queue, destroys_each_item_once) {
    const auto counted = std::make_shared<int>();
    {
        brio::queue<std::shared_ptr<int>> q;
        for (int i = 0; i < 20; ++i) q.put_nowait(counted);
        for (int i = 0; i < 7; ++i) static_cast<void>(q.get_nowait());
        EXPECT_EQ(counted.use_count(), 14);
        q.shutdown(true);
        EXPECT_EQ(counted.use_count(), 1);
    }
    {
        brio::queue<std::shared_ptr<int>> q;
        q.put_nowait(counted);
    }
    EXPECT_EQ(counted.use_count(), 1);
}

TEST(queue, may_be_asked_by_the_items_that_a_shutdown_drops) {
    struct asks_at_end {
        explicit asks_at_end(brio::queue<asks_at_end>& q) : asked(&q) {}
        asks_at_end(asks_at_end&& other) noexcept : asked(std::exchange(other.asked, nullptr)) {}
        ~asks_at_end() {
            if (asked == nullptr) return;
            EXPECT_TRUE(asked->empty());
            EXPECT_THROW(static_cast<void>(asked->get_nowait()), brio::queue_shut_down);
        }
        brio::queue<asks_at_end>* asked;
    };
    brio::queue<asks_at_end> q;
    for (int i = 0; i < 3; ++i) q.put_nowait(asks_at_end(q));
    q.shutdown(true);
}

TEST(queue, refuses_more_task_done_than_items) {
    brio::queue<int> q;
    const auto one_too_many = [&] {
        return text_of<std::invalid_argument>([&] { q.task_done(); });
    };
    EXPECT_EQ(one_too_many(), "queue::task_done: every item has been dealt with already");
    q.put_nowait(1);
    q.task_done();
    EXPECT_EQ(one_too_many(), "queue::task_done: every item has been dealt with already");
}

TEST(queue, refuses_to_wait_outside_a_task) {
    brio::queue<int> q(1);
    EXPECT_THAT(text_of<brio::usage_error>([&] { static_cast<void>(q.get()); }),
                HasSubstr("queue::get suspends, so it must be called in a task"));
    q.put(1);
    EXPECT_THAT(text_of<brio::usage_error>([&] { q.put(2); }),
                HasSubstr("queue::put suspends, so it must be called in a task"));
    EXPECT_THAT(text_of<brio::usage_error>([&] { q.join(); }),
                HasSubstr("queue::join suspends, so it must be called in a task"));
    EXPECT_EQ(q.get(), 1);
}

}  // namespace
