#include "scheduler/mailbox.hpp"

#include "scheduler/ready_queue.hpp"
#include "scheduler/threads.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <deque>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using brio::detail::ready_node;
using brio::detail::ready_queue;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct letter : ready_node {
    explicit letter(int s = 0, int n = 0)
        : ready_node(kind::bookkeeping, nullptr), sender(s), number(n) {}
    int sender;
    int number;
};

class mailbox : public ::testing::Test {
protected:
    ~mailbox() override { box.release(); }

    /// The numbers of what has come since the last call.
    std::vector<int> collected() {
        box.collect(ready);
        std::vector<int> numbers;
        while (!ready.empty())
            numbers.push_back(static_cast<letter&>(*ready.pop_front().node).number);
        return numbers;
    }
    /// The numbers of what lies in the box that is closed now.
    std::vector<int> left_at_close() {
        std::vector<int> numbers;
        for (ready_node* n = box.close(); n != nullptr; n = n->next)
            numbers.push_back(static_cast<letter*>(n)->number);
        return numbers;
    }
    [[nodiscard]] std::uint32_t rings() { return box.futex_word().load(); }

    /// As the io_uring reactor's wait on the word, but false when nobody rings for ten seconds.
    bool sleep_until_a_ring_after(std::uint32_t seen) {
        const timespec limit = {10, 0};
        return ::syscall(SYS_futex, &box.futex_word(), FUTEX_WAIT, seen, &limit, nullptr, 0) == 0 ||
               errno == EAGAIN || errno == EINTR;
    }
    /// Sleeps as a loop does, at most until something has come; false: it slept and missed a ring.
    bool sleep() {
        const std::uint32_t seen = rings();
        bool heard = true;
        if (box.prepare_to_sleep()) heard = sleep_until_a_ring_after(seen);
        box.woke_up();
        return heard;
    }

    brio::detail::mailbox& box = *new brio::detail::mailbox;
    ready_queue ready;
    letter letters[4] = {letter(0, 0), letter(0, 1), letter(0, 2), letter(0, 3)};
};

TEST_F(mailbox, gives_out_what_was_posted_oldest_first) {
    EXPECT_TRUE(box.empty());
    for (letter& l : letters) EXPECT_TRUE(box.post(l));
    EXPECT_FALSE(box.empty());
    EXPECT_THAT(collected(), ElementsAre(0, 1, 2, 3));
    EXPECT_TRUE(box.empty());
    EXPECT_THAT(collected(), IsEmpty());
}

TEST_F(mailbox, appends_behind_what_is_ready) {
    ready.push_back(letters[3]);
    EXPECT_TRUE(box.post(letters[0]));
    EXPECT_TRUE(box.post(letters[1]));
    EXPECT_THAT(collected(), ElementsAre(3, 0, 1));
}

TEST_F(mailbox, takes_a_node_again_that_it_has_given_out) {
    for (int round = 0; round < 3; ++round) {
        EXPECT_TRUE(box.post(letters[1]));
        EXPECT_TRUE(box.post(letters[0]));
        EXPECT_THAT(collected(), ElementsAre(1, 0));
    }
}

TEST_F(mailbox, that_is_closed_gives_out_what_never_ran_and_takes_nothing) {
    EXPECT_FALSE(box.closed());
    for (letter& l : letters) {
        if (l.number < 3) {
            EXPECT_TRUE(box.post(l));
        }
    }
    EXPECT_THAT(left_at_close(), ElementsAre(0, 1, 2));
    EXPECT_TRUE(box.closed());
    EXPECT_FALSE(box.post(letters[3]));
    EXPECT_EQ(letters[3].next, nullptr);
}

TEST_F(mailbox, that_is_empty_can_be_closed) {
    EXPECT_THAT(left_at_close(), IsEmpty());
    EXPECT_TRUE(box.closed());
}

// ------------------------------------------------------------------------------------- the bell

TEST_F(mailbox, rings_once_for_a_loop_that_is_about_to_sleep) {
    EXPECT_TRUE(box.prepare_to_sleep());
    EXPECT_EQ(rings(), 0U);
    EXPECT_TRUE(box.post(letters[0]));
    EXPECT_EQ(rings(), 1U);
    EXPECT_TRUE(box.post(letters[1]));
    EXPECT_EQ(rings(), 1U);
}

TEST_F(mailbox, does_not_ring_for_a_loop_that_is_awake) {
    EXPECT_TRUE(box.post(letters[0]));
    EXPECT_THAT(collected(), ElementsAre(0));
    EXPECT_TRUE(box.prepare_to_sleep());
    box.woke_up();
    EXPECT_TRUE(box.post(letters[1]));
    EXPECT_EQ(rings(), 0U);
}

TEST_F(mailbox, lets_no_loop_sleep_that_has_mail) {
    EXPECT_TRUE(box.post(letters[0]));
    EXPECT_FALSE(box.prepare_to_sleep());
    EXPECT_TRUE(box.post(letters[1]));
    EXPECT_EQ(rings(), 0U) << "who does not sleep need not be woken";
    EXPECT_THAT(collected(), ElementsAre(0, 1));
    EXPECT_TRUE(box.prepare_to_sleep());
}

TEST_F(mailbox, lets_no_loop_sleep_that_was_interrupted) {
    box.interrupt();
    EXPECT_FALSE(box.empty());
    EXPECT_FALSE(box.prepare_to_sleep());
    EXPECT_EQ(box.take_interrupts(), 1U);
    EXPECT_TRUE(box.empty());
    EXPECT_TRUE(box.prepare_to_sleep());
}

TEST_F(mailbox, counts_interrupts_and_rings_for_each) {
    EXPECT_EQ(box.take_interrupts(), 0U);
    for (int i = 0; i < 3; ++i) box.interrupt();
    EXPECT_EQ(rings(), 3U);
    EXPECT_EQ(box.take_interrupts(), 3U);
    EXPECT_EQ(box.take_interrupts(), 0U);
}

TEST_F(mailbox, rings_an_eventfd_for_who_asks_for_one) {
    const int fd = box.event_descriptor();
    EXPECT_EQ(box.event_descriptor(), fd);
    std::uint64_t count = 0;
    EXPECT_EQ(::read(fd, &count, sizeof count), -1) << "nobody has rung yet";
    EXPECT_EQ(errno, EAGAIN);
    box.ring();
    box.ring();
    EXPECT_EQ(::read(fd, &count, sizeof count), static_cast<ssize_t>(sizeof count));
    EXPECT_EQ(count, 2U);
}

TEST_F(mailbox, closes_its_eventfd_with_the_last_reference) {
    auto* const other = new brio::detail::mailbox;
    const int fd = other->event_descriptor();
    other->retain();
    other->release();
    EXPECT_GE(::fcntl(fd, F_GETFD), 0);
    other->release();
    EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
}

TEST_F(mailbox, rings_without_touching_errno) {
    const int fd = box.event_descriptor();
    const std::uint64_t almost_full = UINT64_MAX - 1;
    ASSERT_EQ(::write(fd, &almost_full, sizeof almost_full),
              static_cast<ssize_t>(sizeof almost_full));
    errno = ENOTTY;
    box.ring();  // the write fails with EAGAIN
    EXPECT_EQ(errno, ENOTTY);
}

// A handler finds its way by a global, as that of SIGINT does.
brio::detail::mailbox* interrupted_by_signal = nullptr;

TEST_F(mailbox, can_be_interrupted_by_a_signal_handler) {
    interrupted_by_signal = &box;
    const auto before = std::signal(SIGUSR1, [](int) { interrupted_by_signal->interrupt(); });
    std::raise(SIGUSR1);
    std::raise(SIGUSR1);
    std::signal(SIGUSR1, before);
    EXPECT_EQ(box.take_interrupts(), 2U);
}

// ---------------------------------------------------------------------------------- many threads

constexpr int senders = 4;

/// The letters of all senders; each posts its own from a thread of its own.
class posting : public mailbox {
protected:
    void post_from_threads(int count) {
        for (int s = 0; s < senders; ++s)
            for (int i = 0; i < count; ++i) posted_[s].emplace_back(s, i);
        for (int s = 0; s < senders; ++s)
            threads_.emplace_back([this, s] {
                for (letter& l : posted_[s])
                    if (box.post(l))
                        ++accepted_[s];
                    else
                        break;
            });
    }
    void join() {
        for (std::thread& t : threads_) t.join();
    }
    /// One that has come: must be the next of its sender.
    void check(const ready_node& node) {
        const auto& l = static_cast<const letter&>(node);
        ASSERT_EQ(l.number, received_[l.sender]++) << "from sender " << l.sender;
        ++all_received_;
    }
    void collect_and_check() {
        box.collect(ready);
        while (!ready.empty()) ASSERT_NO_FATAL_FAILURE(check(*ready.pop_front().node));
    }

    std::deque<letter> posted_[senders];
    int accepted_[senders] = {};
    int received_[senders] = {};
    int all_received_ = 0;
    std::vector<std::thread> threads_;
};

TEST_F(posting, from_several_threads_keeps_the_order_of_each_and_loses_nothing) {
    constexpr int count = 20'000;
    post_from_threads(count);
    bool heard = true;
    while (heard && all_received_ < senders * count && !HasFatalFailure()) {
        collect_and_check();
        if (all_received_ < senders * count) heard = sleep();
    }
    EXPECT_TRUE(heard) << "all that had come was " << all_received_;
    join();
    EXPECT_TRUE(box.empty());
}

TEST_F(posting, while_the_box_is_closed_leaves_each_letter_with_exactly_one) {
    for (int round = 0; round < 50; ++round) {
        auto& each = *new brio::detail::mailbox;
        std::deque<letter> own[senders];
        std::atomic<int> started{0};
        int kept[senders] = {};
        std::vector<std::thread> threads;
        for (int s = 0; s < senders; ++s) {
            for (int i = 0; i < 100; ++i) own[s].emplace_back(s, i);
            each.retain();
            threads.emplace_back([&, s] {
                ++started;
                for (letter& l : own[s])
                    if (!each.post(l)) ++kept[s];
                each.release();
            });
        }
        EXPECT_TRUE(brio_tests::comes_true([&] { return started == senders; }));
        each.collect(ready);
        int given_out[senders] = {};
        const auto count = [&](const ready_node& n) {
            const auto& l = static_cast<const letter&>(n);
            EXPECT_EQ(l.number, given_out[l.sender]++) << "from sender " << l.sender;
        };
        while (!ready.empty()) count(*ready.pop_front().node);
        for (ready_node* n = each.close(); n != nullptr; n = n->next) count(*n);
        each.release();
        for (std::thread& t : threads) t.join();
        for (int s = 0; s < senders; ++s) EXPECT_EQ(given_out[s] + kept[s], 100) << "sender " << s;
    }
}

// The other side sends nothing until it is answered, so one lost wake-up ends it all.
TEST_F(mailbox, loses_no_wake_up) {
    constexpr int rounds = 5000;
    std::atomic<int> answered{0};
    std::thread other([&] {
        for (int i = 0; i < rounds; ++i) {
            for (int now = i - 1; (now = answered.load()) < i;) answered.wait(now);
            EXPECT_TRUE(box.post(letters[0]));
        }
    });
    bool heard = true;
    for (int i = 0; i < rounds; ++i) {
        while (box.empty() && heard) heard = sleep();
        box.collect(ready);
        while (!ready.empty()) ready.pop_front();
        answered = i + 1;
        answered.notify_one();
    }
    EXPECT_TRUE(heard);
    other.join();
}

TEST_F(mailbox, loses_no_interrupt) {
    constexpr unsigned count = 2000;
    std::vector<std::thread> others;
    for (int t = 0; t < 3; ++t)
        others.emplace_back([&] {
            for (unsigned i = 0; i < count; ++i) box.interrupt();
        });
    unsigned seen = 0;
    bool heard = true;
    while (heard && seen < 3 * count) {
        seen += box.take_interrupts();
        if (seen < 3 * count) heard = sleep();
    }
    EXPECT_EQ(seen, 3 * count);
    for (std::thread& t : others) t.join();
}

}  // namespace
