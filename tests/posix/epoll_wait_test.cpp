// epoll_wait, epoll_pwait, epoll_pwait2.

#include "posix/fibers.hpp"

#include <csignal>
#include <sys/epoll.h>
#include <vector>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;

/// Some descriptors to wait for.
struct interest {
    interest() : fd(::epoll_create1(0)) {}
    void add(int what, std::uint32_t events = EPOLLIN) const {
        epoll_event e = {};
        e.events = events;
        e.data.fd = what;
        EXPECT_EQ(::epoll_ctl(fd, EPOLL_CTL_ADD, what, &e), 0);
    }
    descriptor fd;
};

void put_letter(const two_ends& pipe) {
    EXPECT_EQ(::write(pipe.second, "x", 1), 1);
}
void take_letter(const two_ends& pipe) {
    char letter = 0;
    EXPECT_EQ(::read(pipe.first, &letter, 1), 1);
}

/// Blocks SIGUSR1 and counts it while it lives.
class blocked_signal {
public:
    blocked_signal() {
        sigset_t blocked;
        ::sigemptyset(&blocked);
        ::sigaddset(&blocked, SIGUSR1);
        ::pthread_sigmask(SIG_BLOCK, &blocked, &open);
    }
    blocked_signal(const blocked_signal&) = delete;
    blocked_signal& operator=(const blocked_signal&) = delete;
    ~blocked_signal() { ::pthread_sigmask(SIG_SETMASK, &open, nullptr); }
    sigset_t open;  // the mask that lets it through

private:
    signal_counter counter_{SIGUSR1};
};

}  // namespace

TEST(epoll_wait, answers_at_once_what_libc_answers) {
    const interest wanted;
    const two_ends pipe = make_pipe();
    const two_ends ready = make_pipe();
    put_letter(ready);
    wanted.add(pipe.first);
    wanted.add(ready.first);
    wanted.add(ready.second, EPOLLOUT);
    epoll_event room[4];
    const auto list = [&](int timeout) {
        return [=, &room, &wanted] { return ::epoll_wait(wanted.fd, room, 4, timeout); };
    };
    expect_same(list(0), "two, no time");
    expect_same(list(-1), "two, any time");
    expect_same([&] { return ::epoll_wait(wanted.fd, room, 1, -1); }, "room for one");
    expect_same([&] { return ::epoll_wait(wanted.fd, room, 0, -1); }, "room for none");
    expect_same([&] { return ::epoll_wait(wanted.fd, room, unforeseen(-1), -1); }, "negative room");
    expect_same([&] { return ::epoll_wait(wanted.fd, room, unforeseen(INT_MAX), -1); }, "too much");
    expect_same([&] { return ::epoll_wait(-1, room, 4, -1); }, "no descriptor");
    expect_same([&] { return ::epoll_wait(9999, room, 4, -1); }, "a free number");
    expect_same([&] { return ::epoll_wait(pipe.first, room, 4, -1); }, "a pipe");
    auto* const broken = reinterpret_cast<epoll_event*>(nowhere());
    expect_same([&] { return ::epoll_wait(wanted.fd, broken, 4, -1); }, "events nowhere");
    auto* const bad_mask = reinterpret_cast<sigset_t*>(nowhere());
    expect_same([&] { return ::epoll_pwait(wanted.fd, room, 4, -1, bad_mask); }, "a mask nowhere");
    const timespec wrong = {0, 1'000'000'000};
    expect_same([&] { return ::epoll_pwait2(wanted.fd, room, 4, &wrong, nullptr); },
                "a wrong time");
    expect_same([&] { return ::epoll_pwait2(-1, room, 0, &wrong, nullptr); }, "and no descriptor");
    const timespec none = {};
    expect_same([&] { return ::epoll_pwait2(wanted.fd, room, 4, &none, nullptr); }, "no time");
}

TEST(epoll_wait, times_out) {
    const interest wanted;
    const two_ends pipe = make_pipe();
    wanted.add(pipe.first);
    brio::testing::run([&] {
        epoll_event room[1];
        const auto began = brio::clock::now();
        EXPECT_EQ(observe([&] { return ::epoll_wait(wanted.fd, room, 1, 1000); }),
                  (observed{0, 0}));
        EXPECT_EQ(::epoll_pwait(wanted.fd, room, 1, 2000, nullptr), 0);
        const timespec three = {3, 500};
        EXPECT_EQ(::epoll_pwait2(wanted.fd, room, 1, &three, nullptr), 0);
        EXPECT_EQ(brio::clock::now() - began, 6s + 500ns);
    });
}

TEST(epoll_wait, answers_the_events_of_whoever_was_registered) {
    const interest wanted;
    const two_ends first = make_pipe();
    const two_ends second = make_pipe();
    wanted.add(first.first);
    brio::run([&] {
        epoll_event room[4];
        auto waiting = brio::create_task([&] { return ::epoll_wait(wanted.fd, room, 4, -1); });
        let_others_run();
        EXPECT_FALSE(waiting.done());
        wanted.add(second.first, EPOLLIN | EPOLLET);  // while it waits
        put_letter(second);
        EXPECT_EQ(waiting.await(), 1);
        EXPECT_EQ(room[0].data.fd, second.first);
        EXPECT_EQ(room[0].events, EPOLLIN);
        // An edge is told once.
        auto again = brio::create_task([&] { return ::epoll_wait(wanted.fd, room, 4, -1); });
        let_others_run();
        EXPECT_FALSE(again.done());
        put_letter(first);
        EXPECT_EQ(again.await(), 1);
        EXPECT_EQ(room[0].data.fd, first.first);
    });
}

TEST(epoll_wait, waits_on_when_another_fiber_was_faster) {
    const interest wanted;
    const two_ends pipe = make_pipe();
    wanted.add(pipe.first, EPOLLIN | EPOLLONESHOT);
    brio::run([&] {
        epoll_event room[2];
        auto slow = brio::create_task([&] { return ::epoll_wait(wanted.fd, &room[0], 1, -1); });
        auto fast = brio::create_task([&] { return ::epoll_wait(wanted.fd, &room[1], 1, -1); });
        let_others_run();
        put_letter(pipe);
        let_others_run();
        EXPECT_NE(slow.done(), fast.done());  // the event goes to one of the two
        epoll_event e = {};
        e.events = EPOLLIN | EPOLLONESHOT;
        EXPECT_EQ(::epoll_ctl(wanted.fd, EPOLL_CTL_MOD, pipe.first, &e), 0);
        EXPECT_EQ(slow.await(), 1);
        EXPECT_EQ(fast.await(), 1);
        take_letter(pipe);
    });
}

TEST(epoll_wait, a_number_that_is_closed_while_a_fiber_waits_still_serves_it) {
    interest wanted;
    const two_ends pipe = make_pipe();
    wanted.add(pipe.first);
    brio::run([&] {
        epoll_event room[1];
        auto waiting = brio::create_task([&] { return ::epoll_wait(wanted.fd, room, 1, -1); });
        let_others_run();
        wanted.fd.close();
        const two_ends others = make_pipe();  // takes the number
        put_letter(pipe);
        EXPECT_EQ(waiting.await(), 1);
    });
}

TEST(epoll_wait, lets_the_signals_through_that_its_mask_allows) {
    const blocked_signal signal;
    const interest wanted;
    const two_ends pipe = make_pipe();
    wanted.add(pipe.first);
    epoll_event room[1];
    const auto wait = [&] { return ::epoll_pwait(wanted.fd, room, 1, -1, &signal.open); };
    const auto wait2 = [&] { return ::epoll_pwait2(wanted.fd, room, 1, nullptr, &signal.open); };
    const auto end_by_signal = [&](auto call) {
        signal_counter::count = 0;
        auto waiting = brio::create_task([=] { return observe(call); });
        let_others_run();
        EXPECT_FALSE(waiting.done());
        ::raise(SIGUSR1);
        EXPECT_EQ(signal_counter::count, 0);
        EXPECT_EQ(waiting.await(), (observed{-1, EINTR}));
        EXPECT_EQ(signal_counter::count, 1);
        // One that is pending before.
        ::raise(SIGUSR1);
        EXPECT_EQ(observe(call), (observed{-1, EINTR}));
        EXPECT_EQ(signal_counter::count, 2);
    };
    brio::run([&] {
        end_by_signal(wait);
        end_by_signal(wait2);
        // Without a mask none gets through; with no time the kernel does not look, nor here.
        signal_counter::count = 0;
        ::raise(SIGUSR1);
        auto waiting = brio::create_task([&] { return ::epoll_wait(wanted.fd, room, 1, -1); });
        let_others_run();
        EXPECT_FALSE(waiting.done());
        EXPECT_EQ(::epoll_pwait(wanted.fd, room, 1, 0, &signal.open), 0);
        put_letter(pipe);
        EXPECT_EQ(waiting.await(), 1);
        EXPECT_EQ(signal_counter::count, 0);
        EXPECT_EQ(::epoll_pwait(wanted.fd, room, 1, -1, &signal.open), 1);  // an event comes first
        take_letter(pipe);
        EXPECT_EQ(observe(wait), (observed{-1, EINTR}));
        EXPECT_EQ(signal_counter::count, 1);
    });
}

TEST(epoll_wait, many_fibers_wait_and_each_event_comes_once) {
    const interest wanted;
    std::vector<two_ends> pipes;
    for (int i = 0; i < 20; ++i) {
        pipes.push_back(make_pipe());
        wanted.add(pipes.back().first, EPOLLIN | EPOLLONESHOT);
    }
    brio::run([&] {
        std::vector<brio::task<int>> waiting;
        for (int i = 0; i < 20; ++i)
            waiting.push_back(brio::create_task([&] {
                epoll_event one = {};
                EXPECT_EQ(::epoll_wait(wanted.fd, &one, 1, -1), 1);
                return one.data.fd;
            }));
        let_others_run();
        for (const two_ends& pipe : pipes) put_letter(pipe);
        std::vector<int> seen = brio::gather(waiting).await();
        std::sort(seen.begin(), seen.end());
        EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
    });
}
