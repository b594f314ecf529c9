// poll, ppoll, select, pselect.

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/timerfd.h>

#include <csignal>
#include <vector>

#include "posix/fibers.hpp"

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;

pollfd item(int fd, short events = POLLIN) {
    return {fd, events, 0};
}

fd_set set_of(std::initializer_list<int> fds) {
    fd_set set;
    FD_ZERO(&set);
    for (const int fd : fds) FD_SET(fd, &set);
    return set;
}

}  // namespace

TEST(poll, answers_at_once_what_libc_answers) {
    const two_ends pipe = make_pipe();
    const two_ends ready = make_pipe();
    ASSERT_EQ(::write(ready.second, "x", 1), 1);
    two_ends hung_up = make_pipe();
    hung_up.second.close();
    const descriptor file(::open("/proc/self/status", O_RDONLY));
    const auto revents = [&](int fd, short events) {
        return [=] {
            pollfd one = item(fd, events);
            const int count = ::poll(&one, 1, 0);
            return count < 0 ? -1L : count << 16 | one.revents;
        };
    };
    expect_same(revents(pipe.first, POLLIN), "nothing");
    expect_same(revents(ready.first, POLLIN), "data");
    expect_same(revents(ready.second, POLLOUT), "room");
    expect_same(revents(hung_up.first, POLLIN), "hung up");
    expect_same(revents(hung_up.first, 0), "hung up, nothing asked");
    expect_same(revents(file, POLLIN | POLLOUT), "a file");
    expect_same(revents(9999, POLLIN), "a free number");
    expect_same(revents(-5, POLLIN), "a negative number");
    const auto broken = reinterpret_cast<pollfd*>(nowhere());
    expect_same([=] { return ::poll(broken, 1, 0); }, "a list nowhere");
    expect_same([=] { return ::poll(broken, 1, -1); }, "a list nowhere, waiting");
    const timespec wrong = {0, 1'000'000'000};
    pollfd one = item(pipe.first);
    expect_same([&] { return ::ppoll(&one, 1, &wrong, nullptr); }, "a wrong time");
    rlimit limit = {};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    std::vector<pollfd> many(limit.rlim_cur + 1, item(-1));
    expect_same([&] { return ::poll(many.data(), many.size(), 0); }, "too many");
}

TEST(poll, times_out_and_sleeps_with_no_descriptors) {
    const two_ends pipe = make_pipe();
    brio::testing::run([&] {
        const auto began = brio::clock::now();
        pollfd one = item(pipe.first);
        EXPECT_EQ(observe([&] { return ::poll(&one, 1, 1000); }), (observed{0, 0}));
        EXPECT_EQ(::poll(nullptr, 0, 2000), 0);
        pollfd none[] = {item(-1), item(-2)};
        EXPECT_EQ(::poll(none, 2, 3000), 0);
        const timespec four = {4, 0};
        EXPECT_EQ(::ppoll(&one, 1, &four, nullptr), 0);
        EXPECT_EQ(brio::clock::now() - began, 10s);
    });
}

TEST(poll, waits_for_the_first_of_many_kinds) {
    const descriptor events(::eventfd(0, EFD_NONBLOCK));
    const descriptor timer(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
    const descriptor epoll(::epoll_create1(0));
    const two_ends pipe = make_pipe();
    epoll_event wanted = {};
    wanted.events = EPOLLIN;
    ASSERT_EQ(::epoll_ctl(epoll, EPOLL_CTL_ADD, pipe.first, &wanted), 0);
    const auto signal_one_of = [&](int which) {
        const std::uint64_t one = 1;
        const itimerspec soon = {{0, 0}, {0, 1}};
        if (which == 0) {
            EXPECT_EQ(::write(events, &one, 8), 8);
        }
        if (which == 1) {
            EXPECT_EQ(::timerfd_settime(timer, 0, &soon, nullptr), 0);
        }
        if (which == 2) {
            EXPECT_EQ(::write(pipe.second, "x", 1), 1);
        }
    };
    const auto calm = [&] {
        std::uint64_t count = 0;
        (void)!::read(events, &count, 8);
        (void)!::read(timer, &count, 8);
    };
    for (int which = 0; which < 3; ++which) {
        brio::run([&] {
            pollfd all[] = {item(events), item(timer), item(epoll)};
            auto waiting = brio::create_task([&] { return ::poll(all, 3, -1); });
            let_others_run();
            EXPECT_FALSE(waiting.done());
            signal_one_of(which);
            EXPECT_EQ(waiting.await(), 1);
            for (int i = 0; i < 3; ++i) EXPECT_EQ(all[i].revents, i == which ? POLLIN : 0);
            calm();
        });
    }
}

TEST(poll, many_descriptors_work) {
    std::vector<two_ends> pipes;
    std::vector<pollfd> items;
    for (int i = 0; i < 1000; ++i) {
        pipes.push_back(make_pipe());
        items.push_back(item(pipes.back().first));
    }
    brio::run([&] {
        for (const std::size_t chosen : {0U, 999U, 500U}) {
            auto waiting =
                brio::create_task([&] { return ::poll(items.data(), items.size(), -1); });
            let_others_run();
            EXPECT_FALSE(waiting.done());
            EXPECT_EQ(::write(pipes[chosen].second, "x", 1), 1);
            EXPECT_EQ(waiting.await(), 1);
            EXPECT_EQ(items[chosen].revents, POLLIN);
            char letter = 0;
            EXPECT_EQ(::read(pipes[chosen].first, &letter, 1), 1);
        }
    });
}

TEST(poll, waits_on_when_another_fiber_was_faster) {
    const two_ends pipe = make_pipe();
    brio::run([&] {
        pollfd one = item(pipe.first);
        auto slow = brio::create_task([&] { return ::poll(&one, 1, -1); });
        brio::yield();
        auto fast = brio::create_task([&] {
            char letter = 0;
            return ::read(pipe.first, &letter, 1);
        });
        brio::yield();
        EXPECT_EQ(::write(pipe.second, "x", 1), 1);
        EXPECT_EQ(fast.await(), 1);
        let_others_run();
        EXPECT_FALSE(slow.done());
        EXPECT_EQ(::write(pipe.second, "y", 1), 1);
        EXPECT_EQ(slow.await(), 1);
    });
}

TEST(poll, a_descriptor_closed_meanwhile_is_reported) {
    two_ends pipe = make_pipe();
    const two_ends other = make_pipe();
    brio::run([&] {
        pollfd both[] = {item(pipe.first), item(other.first)};
        auto waiting = brio::create_task([&] { return ::poll(both, 2, -1); });
        brio::yield();
        pipe.first.close();
        EXPECT_EQ(::write(other.second, "x", 1), 1);
        EXPECT_EQ(waiting.await(), 2);
        EXPECT_EQ(both[0].revents, POLLNVAL);
        EXPECT_EQ(both[1].revents, POLLIN);
    });
}

TEST(poll, ppoll_lets_the_signals_through_that_its_mask_allows) {
    static volatile sig_atomic_t signals = 0;
    signals = 0;
    struct sigaction ours = {};
    struct sigaction before = {};
    ours.sa_handler = [](int) { signals = signals + 1; };
    ::sigaction(SIGUSR1, &ours, &before);
    sigset_t blocked;
    sigset_t old;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &old);
    const two_ends pipe = make_pipe();
    brio::run([&] {
        for (const bool with_select : {false, true}) {
            signals = 0;
            auto waiting = brio::create_task([&] {
                pollfd one = item(pipe.first);
                fd_set set = set_of({pipe.first});
                return observe([&] {
                    return with_select
                               ? ::pselect(pipe.first + 1, &set, nullptr, nullptr, nullptr, &old)
                               : ::ppoll(&one, 1, nullptr, &old);
                });
            });
            let_others_run();
            EXPECT_FALSE(waiting.done());
            ::raise(SIGUSR1);
            EXPECT_EQ(signals, 0);
            EXPECT_EQ(waiting.await(), (observed{-1, EINTR}));
            EXPECT_EQ(signals, 1);
        }
    });
    ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
    ::sigaction(SIGUSR1, &before, nullptr);
}

TEST(select, answers_at_once_what_libc_answers) {
    const two_ends ready = make_pipe();
    ASSERT_EQ(::write(ready.second, "x", 1), 1);
    const auto ask = [&](int count, timeval time) {
        return [=, &ready]() mutable {
            fd_set readable = set_of({ready.first});
            fd_set writable = set_of({ready.first, ready.second});
            const int result = ::select(count, &readable, &writable, nullptr, &time);
            return result < 0 ? -1
                              : result << 8 | FD_ISSET(ready.first, &readable) << 2 |
                                    FD_ISSET(ready.first, &writable) << 1 |
                                    FD_ISSET(ready.second, &writable);
        };
    };
    expect_same(ask(FD_SETSIZE, {0, 0}), "two");
    expect_same(ask(ready.second, {0, 0}), "the first only");
    expect_same(ask(0, {0, 0}), "none");
    expect_same(ask(-1, {0, 0}), "a negative count");
    expect_same(ask(FD_SETSIZE, {-1, 0}), "a negative time");
    const timespec wrong = {0, -1};
    expect_same([&] { return ::pselect(0, nullptr, nullptr, nullptr, &wrong, nullptr); },
                "a wrong time");
    expect_same(
        [&] {
            fd_set set = set_of({900});
            return ::select(901, &set, nullptr, nullptr, nullptr);
        },
        "a free number");
}

TEST(select, times_out_with_empty_sets_and_no_time_left) {
    const two_ends pipe = make_pipe();
    brio::testing::run([&] {
        fd_set set = set_of({pipe.first});
        timeval time = {5, 250'000};
        const auto began = brio::clock::now();
        EXPECT_EQ(::select(pipe.first + 1, &set, nullptr, nullptr, &time), 0);
        EXPECT_EQ(brio::clock::now() - began, 5250ms);
        EXPECT_FALSE(FD_ISSET(pipe.first, &set));
        EXPECT_EQ(time.tv_sec, 0);
        EXPECT_EQ(time.tv_usec, 0);
        timeval second = {1, 0};
        EXPECT_EQ(::select(0, nullptr, nullptr, nullptr, &second), 0);
        EXPECT_EQ(brio::clock::now() - began, 6250ms);
    });
}

TEST(select, says_how_much_time_was_left) {
    const two_ends pipe = make_pipe();
    brio::testing::run([&] {
        fd_set set = set_of({pipe.first});
        timeval time = {10, 0};
        auto waiting = brio::create_task(
            [&] { return ::select(pipe.first + 1, &set, nullptr, nullptr, &time); });
        brio::sleep(4s);
        EXPECT_EQ(::write(pipe.second, "x", 1), 1);
        EXPECT_EQ(waiting.await(), 1);
        EXPECT_TRUE(FD_ISSET(pipe.first, &set));
        EXPECT_EQ(time.tv_sec, 6);
    });
}

TEST(select, knows_all_three_sets) {
    const listener listening;
    brio::run([&] {
        const descriptor client(::socket(AF_INET, SOCK_STREAM, 0));
        ASSERT_EQ(connect_to(client, listening.port), 0);
        const descriptor server(::accept(listening.fd, nullptr, nullptr));
        fd_set readable = set_of({client});
        fd_set exceptional = set_of({client});
        auto waiting = brio::create_task(
            [&] { return ::select(client + 1, &readable, nullptr, &exceptional, nullptr); });
        brio::yield();
        EXPECT_EQ(::send(server, "!", 1, MSG_OOB), 1);
        EXPECT_EQ(waiting.await(), 1);
        EXPECT_FALSE(FD_ISSET(client, &readable));
        EXPECT_TRUE(FD_ISSET(client, &exceptional));
    });
}

TEST(select, is_not_kept_busy_by_what_nobody_asked_for) {
    // A hung-up pipe wakes each poll at once; an exceptional set does not ask for that.
    two_ends pipe = make_pipe();
    pipe.second.close();
    const two_ends other = make_pipe();
    brio::run([&] {
        fd_set readable = set_of({other.first});
        fd_set exceptional = set_of({pipe.first});
        auto waiting = brio::create_task(
            [&] { return ::select(other.first + 1, &readable, nullptr, &exceptional, nullptr); });
        let_others_run();
        EXPECT_FALSE(waiting.done());
        EXPECT_EQ(::write(other.second, "x", 1), 1);
        EXPECT_EQ(waiting.await(), 1);
    });
}

TEST(select, large_sets_and_larger_counts_work) {
    // getdtablesize() for the count is old custom; the kernel looks at no more than its own table.
    const two_ends pipe = make_pipe();
    const descriptor high(::fcntl(pipe.first, F_DUPFD, 3000));
    brio::run([&] {
        std::vector<unsigned long> words((1 << 20) / (8 * sizeof(long)));
        words[3000 / 64] = 1UL << (high % 64);
        auto* const set = reinterpret_cast<fd_set*>(words.data());
        auto waiting = brio::create_task(
            [&] { return ::select(unforeseen(1 << 30), set, nullptr, nullptr, nullptr); });
        let_others_run();
        EXPECT_FALSE(waiting.done());
        EXPECT_EQ(::write(pipe.second, "x", 1), 1);
        EXPECT_EQ(waiting.await(), 1);
        EXPECT_EQ(words[3000 / 64], 1UL << (high % 64));
    });
}
