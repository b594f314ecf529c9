#include "scheduler/ready_queue.hpp"

#include <cstddef>
#include <deque>
#include <gtest/gtest.h>
#include <random>

namespace {

using brio::detail::ready_node;
using brio::detail::ready_queue;

struct node : ready_node {
    node() : ready_node(kind::bookkeeping, nullptr) {}
};

/// Pushes what `nodes` holds from index `from` to `to`.
void push(ready_queue& queue, std::deque<node>& nodes, std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) queue.push_back(nodes[i]);
}
void expect_popped(ready_queue& queue, std::deque<node>& nodes, std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
        ASSERT_FALSE(queue.empty()) << i;
        ASSERT_EQ(&queue.front(), &nodes[i]) << i;
        ASSERT_EQ(&queue.pop_front(), &nodes[i]) << i;
    }
}

/// How many entries go in before it grows.
std::size_t initial_capacity() {
    ready_queue queue;
    node n;
    std::size_t count = 0;
    for (; !queue.full(); ++count) queue.push_back_unchecked(n);
    return count;
}

TEST(ready_queue, is_empty_at_first_and_after_the_last) {
    ready_queue queue;
    node n;
    EXPECT_TRUE(queue.empty());
    queue.push_back(n);
    EXPECT_FALSE(queue.empty());
    queue.pop_front();
    EXPECT_TRUE(queue.empty());
}

TEST(ready_queue, gives_back_in_order) {
    ready_queue queue;
    std::deque<node> nodes(5);
    push(queue, nodes, 0, 5);
    expect_popped(queue, nodes, 0, 5);
    EXPECT_TRUE(queue.empty());
}

TEST(ready_queue, knows_its_size) {
    ready_queue queue;
    std::deque<node> nodes(3);
    EXPECT_EQ(queue.size(), 0u);
    push(queue, nodes, 0, 2);
    EXPECT_EQ(queue.size(), 2u);
    expect_popped(queue, nodes, 0, 1);
    EXPECT_EQ(queue.size(), 1u);
    push(queue, nodes, 2, 3);
    EXPECT_EQ(queue.size(), 2u);
}

TEST(ready_queue, grows_when_it_is_full) {
    const std::size_t capacity = initial_capacity();
    ready_queue queue;
    std::deque<node> nodes(capacity + 1);
    push(queue, nodes, 0, capacity);
    EXPECT_TRUE(queue.full());
    push(queue, nodes, capacity, capacity + 1);
    EXPECT_FALSE(queue.full());
    expect_popped(queue, nodes, 0, capacity + 1);
    EXPECT_TRUE(queue.empty());
}

TEST(ready_queue, grows_with_its_first_in_any_slot) {
    const std::size_t capacity = initial_capacity();
    std::deque<node> nodes(8 * capacity);
    for (const std::size_t first : {std::size_t{1}, capacity / 2, capacity - 1, capacity + 3}) {
        ready_queue queue;
        push(queue, nodes, 0, capacity);
        for (std::size_t i = 0; i < first; ++i) {
            expect_popped(queue, nodes, i, i + 1);
            push(queue, nodes, capacity + i, capacity + i + 1);
        }
        push(queue, nodes, capacity + first, nodes.size());  // grows three times
        expect_popped(queue, nodes, first, nodes.size());
        EXPECT_TRUE(queue.empty());
    }
}

TEST(ready_queue, sees_who_is_behind_the_first) {
    const std::size_t capacity = initial_capacity();
    ready_queue queue;
    std::deque<node> nodes(2 * capacity);
    push(queue, nodes, 0, capacity);
    expect_popped(queue, nodes, 0, capacity - 2);
    push(queue, nodes, capacity, capacity + 3);  // these have slots before the first's
    for (std::size_t distance = 0; distance < 5; ++distance)
        EXPECT_EQ(&queue.ahead(distance), &nodes[capacity - 2 + distance]) << distance;
}

TEST(ready_queue, rotates_the_first_to_the_end) {
    ready_queue queue;
    std::deque<node> nodes(3);
    push(queue, nodes, 0, 1);
    queue.rotate();
    EXPECT_EQ(&queue.front(), &nodes[0]);
    EXPECT_EQ(queue.size(), 1u);
    push(queue, nodes, 1, 3);
    queue.rotate();
    expect_popped(queue, nodes, 1, 3);
    expect_popped(queue, nodes, 0, 1);
    EXPECT_TRUE(queue.empty());
}

TEST(ready_queue, rotates_when_it_is_full) {
    const std::size_t capacity = initial_capacity();
    ready_queue queue;
    std::deque<node> nodes(capacity);
    push(queue, nodes, 0, capacity);
    queue.rotate();
    EXPECT_TRUE(queue.full());
    expect_popped(queue, nodes, 1, capacity);
    expect_popped(queue, nodes, 0, 1);
}

TEST(ready_queue, does_what_a_deque_does) {
    std::mt19937 random(1);
    ready_queue queue;
    std::deque<const ready_node*> model;
    std::deque<node> nodes(3000);
    std::size_t unused = 0;
    for (int step = 0; step < 100'000; ++step) {
        // Waves: mostly growing for a while, then mostly shrinking.
        const unsigned growth = step / 5000 % 2 == 0 ? 60 : 35;
        const unsigned what = random() % 100;
        if (what < growth) {
            node& n = nodes[unused++ % nodes.size()];
            queue.push_back(n);
            model.push_back(&n);
        } else if (model.empty()) {
            ASSERT_TRUE(queue.empty());
        } else if (what < 95) {
            ASSERT_EQ(&queue.pop_front(), model.front());
            model.pop_front();
        } else {
            queue.rotate();
            model.push_back(model.front());
            model.pop_front();
        }
        ASSERT_EQ(queue.empty(), model.empty());
        ASSERT_EQ(queue.size(), model.size());
        const std::size_t ahead = random() % 40;
        if (ahead < model.size()) {
            ASSERT_EQ(&queue.ahead(ahead), model[ahead]);
        }
    }
}

}  // namespace
