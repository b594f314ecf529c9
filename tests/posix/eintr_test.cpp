// EINTR: which waits a handler ends, and which fiber's.

#include "posix/fibers.hpp"

#include <atomic>
#include <csetjmp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <vector>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;

/// SIGUSR1 has a handler while it lives; the action of before comes back.
class eintr : public testing::Test {
protected:
    void install(
        int flags, void (*handler)(int) = [](int) { handled = handled + 1; }) {
        struct sigaction ours = {};
        ours.sa_handler = handler;
        ours.sa_flags = flags;
        ASSERT_EQ(::sigaction(SIGUSR1, &ours, nullptr), 0);
    }
    eintr() {
        ::sigaction(SIGUSR1, nullptr, &before_);
        handled = 0;
    }
    ~eintr() override { ::sigaction(SIGUSR1, &before_, nullptr); }

    static void send() { ::kill(::getpid(), SIGUSR1); }

    /// `call` in the loop's oldest task; a younger one sends the signal while it waits.
    template <class F>
    observed interrupted(F&& call) {
        return interrupted_in(call, [](auto main) { return brio::run(main); });
    }
    /// Likewise on a virtual clock, which does not move meanwhile.
    template <class F>
    observed interrupted_in_no_time(F&& call) {
        return interrupted_in(call, [](auto main) { return brio::testing::run(main); });
    }
    template <class F, class Run>
    observed interrupted_in(F&& call, Run run) {
        return run([&] {
            auto sender = brio::create_task([] {
                let_others_run();
                send();
            });
            const observed seen = observe(call);
            sender.await();
            return seen;
        });
    }
    /// Likewise where the wait goes on: `release` ends it, behind the handler.
    template <class F, class R>
    observed released(F&& call, R&& release) {
        return brio::run([&] {
            auto sender = brio::create_task([&] {
                let_others_run();
                send();
                let_others_run();
                release();
            });
            const observed seen = observe(call);
            sender.await();
            return seen;
        });
    }

    static inline volatile sig_atomic_t handled = 0;

private:
    struct sigaction before_;
};

constexpr observed interrupted_call = {-1, EINTR};

}  // namespace

TEST_F(eintr, a_handler_without_restart_ends_a_wait) {
    install(0);
    auto pipe = make_pipe();
    auto pair = make_socketpair();
    char byte = 0;
    EXPECT_EQ(interrupted([&] { return ::read(pipe.first, &byte, 1); }), interrupted_call);
    EXPECT_EQ(interrupted([&] { return ::recv(pair.first, &byte, 1, 0); }), interrupted_call);
    const listener server;
    EXPECT_EQ(interrupted([&] { return ::accept(server.fd, nullptr, nullptr); }), interrupted_call);
    EXPECT_EQ(handled, 3);
    ASSERT_EQ(::write(pipe.second, "a", 1), 1);
    EXPECT_EQ(on_fiber([&] { return ::read(pipe.first, &byte, 1); }), (observed{1, 0}));
}

TEST_F(eintr, with_restart_a_wait_goes_on) {
    install(SA_RESTART);
    auto pipe = make_pipe();
    char byte = 0;
    const observed seen = released([&] { return ::read(pipe.first, &byte, 1); },
                                   [&] { EXPECT_EQ(::write(pipe.second, "a", 1), 1); });
    EXPECT_EQ(seen, (observed{1, 0}));
    EXPECT_EQ(byte, 'a');
    EXPECT_EQ(handled, 1);
}

TEST_F(eintr, signal_restarts_until_the_flag_is_taken_away) {
    ::signal(SIGUSR1, [](int) { handled = handled + 1; });
    auto pipe = make_pipe();
    char byte = 0;
    EXPECT_EQ(released([&] { return ::read(pipe.first, &byte, 1); },
                       [&] { EXPECT_EQ(::write(pipe.second, "a", 1), 1); }),
              (observed{1, 0}));
    struct sigaction now = {};
    ::sigaction(SIGUSR1, nullptr, &now);
    now.sa_flags &= ~SA_RESTART;
    ::sigaction(SIGUSR1, &now, nullptr);
    EXPECT_EQ(interrupted([&] { return ::read(pipe.first, &byte, 1); }), interrupted_call);
    EXPECT_EQ(handled, 2);
}

TEST_F(eintr, some_waits_never_restart) {
    install(SA_RESTART);
    auto pair = make_socketpair();
    char byte = 0;
    pollfd item = {pair.first, POLLIN, 0};
    EXPECT_EQ(interrupted([&] { return ::poll(&item, 1, -1); }), interrupted_call);
    EXPECT_EQ(interrupted([&] { return ::poll(nullptr, 0, -1); }), interrupted_call);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pair.first, &set);
    EXPECT_EQ(
        interrupted([&] { return ::select(pair.first + 1, &set, nullptr, nullptr, nullptr); }),
        interrupted_call);
    EXPECT_TRUE(FD_ISSET(pair.first, &set)) << "as it was";
    const descriptor epoll(::epoll_create1(0));
    epoll_event event = {};
    EXPECT_EQ(interrupted([&] { return ::epoll_wait(epoll, &event, 1, -1); }), interrupted_call);
    set_timeout(pair.first, SO_RCVTIMEO, 1h);
    EXPECT_EQ(interrupted([&] { return ::recv(pair.first, &byte, 1, 0); }), interrupted_call);
    EXPECT_EQ(handled, 5);
}

TEST_F(eintr, a_sleep_tells_what_was_left) {
    install(SA_RESTART);
    timespec left = {};
    const timespec hour = {3600, 0};
    EXPECT_EQ(interrupted_in_no_time([&] { return ::nanosleep(&hour, &left); }), interrupted_call);
    EXPECT_EQ(left.tv_sec, 3600);
    EXPECT_EQ(left.tv_nsec, 0);
    EXPECT_EQ(
        interrupted_in_no_time([&] { return ::clock_nanosleep(CLOCK_MONOTONIC, 0, &hour, &left); }),
        (observed{EINTR, 0}));
    EXPECT_EQ(interrupted_in_no_time([] { return ::usleep(3'600'000'000U); }), interrupted_call);
    EXPECT_EQ(interrupted_in_no_time([] { return ::sleep(3600); }).result, 3600);
}

TEST_F(eintr, waiting_for_a_child) {
    install(0);
    auto pipe = make_pipe();
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(pipe.second);
        char byte = 0;
        ::_exit(::read(pipe.first, &byte, 1) == 0 ? 7 : 8);
    }
    int status = 0;
    EXPECT_EQ(interrupted([&] { return ::waitpid(child, &status, 0); }), interrupted_call);
    pipe.second.close();
    EXPECT_EQ(on_fiber([&] { return ::waitpid(child, &status, 0); }), (observed{child, 0}));
    EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST_F(eintr, a_semaphore) {
    install(0);
    sem_t semaphore;
    ::sem_init(&semaphore, 0, 0);
    EXPECT_EQ(interrupted([&] { return ::sem_wait(&semaphore); }), interrupted_call);
    ::sem_post(&semaphore);
    EXPECT_EQ(on_fiber([&] { return ::sem_wait(&semaphore); }), (observed{0, 0}));
    const timespec late = {::time(nullptr) + 3600, 0};
    EXPECT_EQ(interrupted([&] { return ::sem_timedwait(&semaphore, &late); }), interrupted_call);
    install(SA_RESTART);
    EXPECT_EQ(released([&] { return ::sem_wait(&semaphore); }, [&] { ::sem_post(&semaphore); }),
              (observed{0, 0}));
    ::sem_destroy(&semaphore);
}

TEST_F(eintr, waits_for_locks_of_files) {
    install(0);
    const descriptor held(::memfd_create("locked", 0));
    const descriptor other(
        ::open(("/proc/self/fd/" + std::to_string(held)).c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(::flock(held, LOCK_EX), 0);
    EXPECT_EQ(interrupted([&] { return ::flock(other, LOCK_EX); }), interrupted_call);
    struct flock all = {};
    all.l_type = F_WRLCK;
    ASSERT_EQ(::fcntl(held, F_OFD_SETLK, &all), 0);
    EXPECT_EQ(interrupted([&] { return ::fcntl(other, F_OFD_SETLKW, &all); }), interrupted_call);
    install(SA_RESTART);
    EXPECT_EQ(released([&] { return ::flock(other, LOCK_EX); }, [&] { ::flock(held, LOCK_UN); }),
              (observed{0, 0}));
    EXPECT_EQ(::flock(held, LOCK_EX | LOCK_NB), -1) << "nobody's";
}

TEST_F(eintr, the_opening_of_a_fifo) {
    install(0);
    char directory[] = "/tmp/brio-eintr-XXXXXX";
    ASSERT_NE(::mkdtemp(directory), nullptr);
    const std::string fifo = std::string(directory) + "/fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_EQ(interrupted([&] { return ::open(fifo.c_str(), O_RDONLY); }), interrupted_call);
    EXPECT_EQ(::open(fifo.c_str(), O_WRONLY | O_NONBLOCK), -1) << "somebody has it open";
    std::filesystem::remove_all(directory);
}

namespace {

std::size_t threads_now() {
    const std::filesystem::directory_iterator all("/proc/self/task");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

TEST_F(eintr, the_wait_for_any_child) {
    install(0);
    auto pipe = make_pipe();
    const pid_t child = ::fork();
    if (child == 0) {
        pipe.second.close();
        char byte = 0;
        ::_exit(::read(pipe.first, &byte, 1) == 0 ? 7 : 8);
    }
    int status = 0;
    std::size_t threads = 0;
    for (int round = 0; round < 20; ++round) {
        EXPECT_EQ(interrupted([&] { return ::waitpid(-1, &status, 0); }), interrupted_call);
        if (round == 0) threads = threads_now();
    }
    EXPECT_LE(threads_now(), threads + 2) << "helpers are left behind";
    install(SA_RESTART);
    EXPECT_EQ(released([&] { return ::waitpid(-1, &status, 0); }, [&] { pipe.second.close(); }),
              (observed{child, 0}));
    EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST_F(eintr, a_part_that_was_moved_is_told_of) {
    install(0);
    auto pair = make_socketpair();
    std::vector<char> much(8U << 20U);
    const observed seen =
        interrupted([&] { return ::send(pair.first, much.data(), much.size(), 0); });
    EXPECT_GT(seen.result, 0);
    EXPECT_LT(seen.result, static_cast<long>(much.size()));
    EXPECT_EQ(seen.error, 0);
    EXPECT_EQ(handled, 1);
}

TEST_F(eintr, the_oldest_fiber_is_interrupted_and_no_other) {
    install(0);
    brio::run([] {
        std::vector<two_ends> pipes;
        std::vector<observed> seen(3, {-2, 0});
        std::vector<brio::task<void>> readers;
        for (std::size_t i = 0; i < seen.size(); ++i) {
            pipes.push_back(make_pipe());
            readers.push_back(brio::create_task([&seen, &pipes, i] {
                char byte = 0;
                seen[i] = observe([&] { return ::read(pipes[i].first, &byte, 1); });
            }));
        }
        let_others_run();
        brio::create_task([] { send(); }).await();
        let_others_run();
        EXPECT_EQ(seen[0], interrupted_call);
        EXPECT_EQ(seen[1].result, -2);
        EXPECT_EQ(seen[2].result, -2);
        for (auto& one : pipes) one.second.close();
        for (auto& one : readers) one.await();
        EXPECT_EQ(seen[1], (observed{0, 0}));
        EXPECT_EQ(seen[2], (observed{0, 0}));
    });
}

TEST_F(eintr, a_handler_in_the_oldest_fiber_ends_no_wait_of_others) {
    install(0);
    brio::run([] {
        auto pipe = make_pipe();
        auto reader = brio::create_task([&] {
            char byte = 0;
            return observe([&] { return ::read(pipe.first, &byte, 1); });
        });
        let_others_run();
        send();
        ::raise(SIGUSR1);
        let_others_run();
        EXPECT_FALSE(reader.done());
        pipe.second.close();
        EXPECT_EQ(reader.await(), (observed{0, 0}));
    });
    EXPECT_EQ(handled, 2);
}

TEST_F(eintr, a_signal_from_elsewhere_ends_the_wait_of_a_loop_that_sleeps) {
    install(0);
    auto pipe = make_pipe();
    std::atomic<bool> over = false;
    const pthread_t loop = ::pthread_self();
    // Again and again until the reader has its answer: the first may come too early.
    std::thread sender([&] {
        while (!over) {
            ::pthread_kill(loop, SIGUSR1);
            std::this_thread::yield();
        }
    });
    char byte = 0;
    EXPECT_EQ(on_fiber([&] { return ::read(pipe.first, &byte, 1); }), interrupted_call);
    over = true;
    sender.join();
}

TEST_F(eintr, a_signal_from_another_thread_counts_while_a_fiber_runs) {
    install(0);
    const pthread_t loop = ::pthread_self();
    brio::run([&] {
        auto pipe = make_pipe();
        auto sender = brio::create_task([&] {
            let_others_run();
            std::thread([&] { ::pthread_kill(loop, SIGUSR1); }).detach();
            while (handled == 0) {
            }
        });
        char byte = 0;
        EXPECT_EQ(observe([&] { return ::read(pipe.first, &byte, 1); }), interrupted_call);
        sender.await();
    });
}

TEST_F(eintr, a_byte_that_has_arrived_is_not_lost) {
    install(0);
    brio::run([] {
        auto pipe = make_pipe();
        auto reader = brio::create_task([&] {
            char byte = 0;
            return observe([&] { return ::read(pipe.first, &byte, 1); });
        });
        let_others_run();
        EXPECT_EQ(::write(pipe.second, "a", 1), 1);
        brio::create_task([] { send(); }).await();
        const observed seen = reader.await();
        if (seen == interrupted_call) {
            char byte = 0;
            EXPECT_EQ(::read(pipe.first, &byte, 1), 1) << "the byte is lost";
        } else {
            EXPECT_EQ(seen, (observed{1, 0}));
        }
    });
}

TEST_F(eintr, a_wait_that_begins_behind_the_handler_is_left_alone) {
    install(0);
    brio::run([] {
        auto pipe = make_pipe();
        auto younger = brio::create_task([&] {
            send();
            char byte = 0;
            return observe([&] { return ::read(pipe.first, &byte, 1); });
        });
        let_others_run();
        EXPECT_FALSE(younger.done());
        pipe.second.close();
        EXPECT_EQ(younger.await(), (observed{0, 0}));
    });
}

TEST_F(eintr, whoever_may_not_be_told_of_a_cancel_is_not_told_of_a_handler) {
    install(0);
    brio::run([] {
        auto pipe = make_pipe();
        auto reader = brio::create_task([&] {
            const brio::defer_cancel whole;
            char byte = 0;
            return observe([&] { return ::read(pipe.first, &byte, 1); });
        });
        let_others_run();
        brio::create_task([] { send(); }).await();
        let_others_run();
        EXPECT_FALSE(reader.done());
        pipe.second.close();
        EXPECT_EQ(reader.await(), (observed{0, 0}));
    });
}

TEST_F(eintr, a_cancel_is_told_before_a_handler) {
    install(0);
    brio::run([] {
        auto pipe = make_pipe();
        observed seen = {};
        auto reader = brio::create_task([&] {
            char byte = 0;
            seen = observe([&] { return ::read(pipe.first, &byte, 1); });
            brio::yield();
        });
        let_others_run();
        reader.cancel();
        brio::create_task([] { send(); }).await();
        EXPECT_THROW(reader.await(), brio::cancelled_error);
        EXPECT_EQ(seen, (observed{-1, ECANCELED}));
    });
}

namespace {

two_ends* in_handler = nullptr;
int turns_in_handler = -1;
int turns = 0;

void read_in_handler(int) {
    const int before = turns;
    char byte = 0;
    if (::read(in_handler->first, &byte, 1) == 1) turns_in_handler = turns - before;
}

}  // namespace

TEST_F(eintr, calls_in_a_handler_are_the_threads_own) {
    install(0, &read_in_handler);
    brio::run([] {
        auto pipe = make_pipe();
        in_handler = &pipe;
        auto ticker = brio::create_task([] {
            for (;;) {
                ++turns;
                brio::yield();
            }
        });
        std::thread writer([&, thread = ::gettid()] {
            while (!is_asleep(thread)) std::this_thread::yield();
            EXPECT_EQ(::write(pipe.second, "a", 1), 1);
        });
        send();
        EXPECT_EQ(turns_in_handler, 0) << "the handler's fiber was suspended";
        writer.join();
        ticker.cancel();
        EXPECT_THROW(ticker.await(), brio::cancelled_error);
    });
}

namespace {

sigjmp_buf way_out;

}  // namespace

TEST_F(eintr, a_handler_that_is_left_by_a_jump_is_over) {
    install(0, [](int) { ::siglongjmp(way_out, 1); });
    brio::run([] {
        auto pipe = make_pipe();
        bool ran = false;
        auto other = brio::create_task([&] {
            ran = true;
            EXPECT_EQ(::write(pipe.second, "a", 1), 1);
        });
        if (sigsetjmp(way_out, 1) == 0) send();
        char byte = 0;
        EXPECT_EQ(::read(pipe.first, &byte, 1), 1);
        EXPECT_TRUE(ran);
        other.await();
    });
}
