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
        ASSERT_EQ(queue.front().node, &nodes[i]) << i;
        ASSERT_EQ(queue.pop_front().node, &nodes[i]) << i;
    }
}

/// How many entries go in before it grows.
std::size_t initial_capacity() {
    ready_queue queue;
    node n;
    std::size_t count = 0;
    for (; !queue.full(); ++count) queue.push_back_unchecked(n) = nullptr;
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
        EXPECT_EQ(queue.ahead(distance).node, &nodes[capacity - 2 + distance]) << distance;
}

TEST(ready_queue, keeps_a_stack_pointer_with_each_entry) {
    ready_queue queue;
    std::deque<node> nodes(3);
    int frames = 0;
    queue.push_back(nodes[0], &frames);
    queue.push_back(nodes[1]);
    queue.push_back_unchecked(nodes[2]) = &nodes;
    EXPECT_EQ(queue.front().stack_pointer, &frames);
    EXPECT_EQ(queue.pop_front().stack_pointer, &frames);
    EXPECT_EQ(queue.pop_front().stack_pointer, nullptr);
    EXPECT_EQ(queue.pop_front().stack_pointer, &nodes);
}

TEST(ready_queue, finds_the_slot_of_an_entry_also_after_growing) {
    const std::size_t capacity = initial_capacity();
    ready_queue queue;
    std::deque<node> nodes(2 * capacity + 1);
    push(queue, nodes, 0, capacity);
    expect_popped(queue, nodes, 0, 2);
    EXPECT_EQ(queue.find(nodes[1]), nullptr);
    push(queue, nodes, capacity, 2 * capacity);  // grows
    EXPECT_EQ(queue.find(nodes[2 * capacity]), nullptr);
    for (std::size_t i = 2; i < 2 * capacity; ++i) {
        ASSERT_NE(queue.find(nodes[i]), nullptr) << i;
        queue.find(nodes[i])->stack_pointer = &nodes[i];
    }
    for (std::size_t i = 2; i < 2 * capacity; ++i)
        ASSERT_EQ(queue.pop_front().stack_pointer, &nodes[i]) << i;
    EXPECT_EQ(queue.find(nodes[2 * capacity - 1]), nullptr);
}

TEST(ready_queue, does_what_a_deque_does) {
    std::mt19937 random(1);
    ready_queue queue;
    std::deque<ready_queue::slot> model;
    std::deque<node> nodes(3000);
    std::size_t unused = 0;
    for (int step = 0; step < 100'000; ++step) {
        // Waves: mostly growing for a while, then mostly shrinking.
        const unsigned growth = step / 5000 % 2 == 0 ? 60 : 35;
        const unsigned what = random() % 100;
        if (what < growth) {
            node& n = nodes[unused++ % nodes.size()];
            void* const stack_pointer =
                random() % 2 == 0 ? nullptr : &nodes[random() % nodes.size()];
            queue.push_back(n, stack_pointer);
            model.push_back({&n, stack_pointer});
        } else if (model.empty()) {
            ASSERT_TRUE(queue.empty());
        } else if (what < 95) {
            const ready_queue::slot first = queue.pop_front();
            ASSERT_EQ(first.node, model.front().node);
            ASSERT_EQ(first.stack_pointer, model.front().stack_pointer);
            model.pop_front();
        } else {
            const ready_queue::slot first = queue.pop_front();
            queue.push_back_unchecked(*first.node) = first.stack_pointer;
            model.push_back(model.front());
            model.pop_front();
        }
        ASSERT_EQ(queue.empty(), model.empty());
        ASSERT_EQ(queue.size(), model.size());
        const std::size_t ahead = random() % 40;
        if (ahead < model.size()) {
            ASSERT_EQ(queue.ahead(ahead).node, model[ahead].node);
            ASSERT_EQ(queue.ahead(ahead).stack_pointer, model[ahead].stack_pointer);
        }
    }
}

}  // namespace
