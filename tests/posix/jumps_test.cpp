// Handlers that are left by siglongjmp while the fiber they jump to is suspended.

#include "posix/fibers.hpp"

#include <atomic>
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>

namespace {

using namespace posix_tests;

sigjmp_buf place;
volatile sig_atomic_t jumps_made = 0;

void jump(int) {
    jumps_made = jumps_made + 1;
    ::siglongjmp(place, 7);
}

/// SIGUSR1 has a handler while it lives; the action of before comes back.
class jumps : public testing::Test {
protected:
    static void install(int flags = 0, void (*handler)(int) = &jump) {
        struct sigaction ours = {};
        ours.sa_handler = handler;
        ours.sa_flags = flags;
        ASSERT_EQ(::sigaction(SIGUSR1, &ours, nullptr), 0);
    }
    jumps() {
        ::sigaction(SIGUSR1, nullptr, &before_);
        jumps_made = 0;
        install();
    }
    ~jumps() override { ::sigaction(SIGUSR1, &before_, nullptr); }

    static void send() { ::kill(::getpid(), SIGUSR1); }

    /// Makes `call`, which waits for ever, in the running fiber; a younger one sends the signal meanwhile.
    /// Whether the handler has jumped out, and the younger one gone on.
    template <class F>
    static bool jumps_out_of(F&& call) {
        bool sent = false;
        auto sender = brio::create_task([&] {
            let_others_run();
            send();
            sent = true;
        });
        const int jumped = sigsetjmp(place, 1);
        if (jumped == 0) {
            call();
            ADD_FAILURE() << "the call has returned";
        }
        EXPECT_EQ(jumped, 7);
        sender.await();
        return sent;
    }

private:
    struct sigaction before_;
};

struct waiting_call {
    const char* name;
    std::function<void(int, int)> make;  // on an empty pipe's ends
};

const waiting_call waiting_calls[] = {
    {"read",
     [](int fd, int) {
         char byte = 0;
         (void)!::read(fd, &byte, 1);
     }},
    {"write",
     [](int, int peer) {
         static const std::vector<char> much(1 << 20);  // not of the frame that is left
         (void)!::write(peer, much.data(), much.size());
     }},
    {"poll",
     [](int fd, int) {
         pollfd item = {fd, POLLIN, 0};
         ::poll(&item, 1, -1);
     }},
    {"select",
     [](int fd, int) {
         fd_set set;
         FD_ZERO(&set);
         FD_SET(fd, &set);
         ::select(fd + 1, &set, nullptr, nullptr, nullptr);
     }},
    {"sleep", [](int, int) { ::sleep(1000); }},
    {"usleep", [](int, int) { ::usleep(999'999'999); }},
    {"nanosleep",
     [](int, int) {
         const timespec long_time = {1000, 0};
         ::nanosleep(&long_time, nullptr);
     }},
    {"clock_nanosleep",
     [](int, int) {
         const timespec long_time = {1000, 0};
         ::clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, nullptr);
     }},
    {"pause", [](int, int) { ::pause(); }},
    {"sigwait",
     [](int, int) {
         sigset_t set;
         ::sigemptyset(&set);
         ::sigaddset(&set, SIGUSR2);
         int taken = 0;
         ::sigwait(&set, &taken);
     }},
    {"system", [](int, int) { (void)!::system("exec sleep 1000"); }},
};

}  // namespace

TEST_F(jumps, leave_every_wait_that_a_handler_may_end) {
    for (const waiting_call& call : waiting_calls) {
        SCOPED_TRACE(call.name);
        brio::run([&] {
            auto pipe = make_pipe();
            EXPECT_TRUE(jumps_out_of([&] { call.make(pipe.first, pipe.second); }));
        });
    }
    EXPECT_EQ(jumps_made, static_cast<int>(std::size(waiting_calls)));
}

namespace {

const sigset_t& nothing() {
    static const sigset_t set = {};
    return set;
}

int open_descriptors() {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        count += entry.path().empty() ? 0 : 1;
    return count;
}

}  // namespace

// The handler runs in the system call that is given the mask, on the fiber's own stack.
TEST_F(jumps, leave_waits_whose_mask_lets_the_signal_in) {
    const std::function<void(int)> waits[] = {
        [](int) { ::sigsuspend(&nothing()); },
        [](int fd) {
            pollfd item = {fd, POLLIN, 0};
            ::ppoll(&item, 1, nullptr, &nothing());
        },
        [](int fd) {
            fd_set set;
            FD_ZERO(&set);
            FD_SET(fd, &set);
            ::pselect(fd + 1, &set, nullptr, nullptr, nullptr, &nothing());
        },
        [](int fd) {
            const descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
            epoll_event event = {};
            event.events = EPOLLIN;
            ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
            static int number;
            number = epoll;
            if (sigsetjmp(place, 1) == 0) {
                ::epoll_pwait(number, &event, 1, -1, &nothing());
                ADD_FAILURE() << "the call has returned";
            }
        }};
    sigset_t blocked = {};
    sigaddset(&blocked, SIGUSR1);
    for (const auto& wait : waits)
        brio::run([&] {
            auto pipe = make_pipe();
            ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &blocked, nullptr), 0);
            const auto once = [&] {
                auto sender = brio::create_task([] {
                    let_others_run();
                    send();
                });
                if (sigsetjmp(place, 1) == 0) wait(pipe.first);
                sender.await();
            };
            once();
            const int before = open_descriptors();
            once();
            once();
            EXPECT_EQ(open_descriptors(), before);
            // The waits that were left are in no list any more.
            install(0, [](int) {});
            ASSERT_EQ(::pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr), 0);
            ::raise(SIGUSR1);
            install();
        });
    EXPECT_EQ(jumps_made, 12);
}

TEST_F(jumps, leave_waits_that_restart) {
    install(SA_RESTART);
    brio::run([] {
        auto pipe = make_pipe();
        char byte = 0;
        EXPECT_TRUE(jumps_out_of([&] { (void)!::read(pipe.first, &byte, 1); }));
        ASSERT_EQ(::write(pipe.second, "a", 1), 1);
        EXPECT_EQ(::read(pipe.first, &byte, 1), 1);
        EXPECT_EQ(byte, 'a');
    });
}

TEST_F(jumps, leave_waits_on_sockets) {
    brio::run([] {
        auto pair = make_socketpair();
        char byte = 0;
        EXPECT_TRUE(jumps_out_of([&] { ::recv(pair.first, &byte, 1, 0); }));
        const listener server;
        EXPECT_TRUE(jumps_out_of([&] { ::accept(server.fd, nullptr, nullptr); }));
        const descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
        epoll_event event = {};
        EXPECT_TRUE(jumps_out_of([&] { ::epoll_wait(epoll, &event, 1, -1); }));
        ASSERT_EQ(::send(pair.second, "a", 1, 0), 1);
        EXPECT_EQ(::recv(pair.first, &byte, 1, 0), 1);
    });
}

TEST_F(jumps, leave_a_semaphore_as_it_was) {
    brio::run([] {
        sem_t s;
        ::sem_init(&s, 0, 0);
        EXPECT_TRUE(jumps_out_of([&] { ::sem_wait(&s); }));
        ::sem_post(&s);
        EXPECT_EQ(::sem_trywait(&s), 0);
        EXPECT_EQ(::sem_trywait(&s), -1);
        ::sem_destroy(&s);
    });
}

TEST_F(jumps, leave_the_wait_for_a_child_and_the_child) {
    brio::run([] {
        auto pipe = make_pipe();
        const pid_t child = ::fork();
        if (child == 0) {
            char byte = 0;
            ::_exit(::read(pipe.first, &byte, 1) == 1 ? 3 : 4);
        }
        int status = 0;
        EXPECT_TRUE(jumps_out_of([&] { ::waitpid(child, &status, 0); }));
        EXPECT_TRUE(jumps_out_of([&] { ::waitpid(-1, &status, 0); }));
        ASSERT_EQ(::write(pipe.second, "a", 1), 1);
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(WEXITSTATUS(status), 3);
    });
}

TEST_F(jumps, leave_look_ups) {
    const std::function<void()> look_ups[] = {
        [] {
            addrinfo* found = nullptr;
            ::getaddrinfo("localhost", nullptr, nullptr, &found);
        },
        [] { ::gethostbyname("localhost"); },
        [] {
            char buffer[1000];
            passwd entry = {};
            passwd* found = nullptr;
            ::getpwnam_r("root", &entry, buffer, sizeof buffer, &found);
        },
        [] {
            char host[100];
            sockaddr_in local = {};
            local.sin_family = AF_INET;
            local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            ::getnameinfo(reinterpret_cast<sockaddr*>(&local), sizeof local, host, sizeof host,
                          nullptr, 0, 0);
        }};
    for (const auto& look_up : look_ups)
        brio::run([&] {
            // What is found after the first turn comes too late.
            auto sender = brio::create_task([] { send(); });
            if (sigsetjmp(place, 1) == 0) {
                look_up();
                ADD_FAILURE() << "the call has returned";
            }
            sender.await();
        });
    EXPECT_EQ(jumps_made, 4);
}

TEST_F(jumps, leave_waits_for_locks_of_files) {
    const descriptor held(::memfd_create("locked", 0));
    const descriptor other(
        ::open(("/proc/self/fd/" + std::to_string(held)).c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(::flock(held, LOCK_EX), 0);
    brio::run([&] {
        EXPECT_TRUE(jumps_out_of([&] { ::flock(other, LOCK_EX); }));
        ::flock(held, LOCK_UN);
        EXPECT_EQ(::flock(held, LOCK_EX | LOCK_NB), 0) << "somebody has got the lock";
    });
}

TEST_F(jumps, leave_a_stream_to_whoever_comes_next) {
    if (!has_known_stdio()) GTEST_SKIP() << "another libc's stdio";
    brio::run([] {
        auto pipe = make_pipe();
        const std::unique_ptr<FILE, int (*)(FILE*)> file(::fdopen(::dup(pipe.first), "r"),
                                                         &std::fclose);
        char line[16] = {};
        EXPECT_TRUE(jumps_out_of([&] { (void)!std::fgets(line, sizeof line, file.get()); }));
        ASSERT_EQ(::write(pipe.second, "one\ntwo\n", 8), 8);
        brio::create_task([&] {
            EXPECT_NE(std::fgets(line, sizeof line, file.get()), nullptr);
            EXPECT_STREQ(line, "one\n");
        }).await();
        EXPECT_NE(std::fgets(line, sizeof line, file.get()), nullptr);
        EXPECT_STREQ(line, "two\n");
    });
}

TEST_F(jumps, leave_the_flushing_of_all_streams) {
    if (!has_known_stdio()) GTEST_SKIP() << "another libc's stdio";
    brio::run([] {
        auto pipe = make_pipe();
        const std::unique_ptr<FILE, int (*)(FILE*)> file(::fdopen(::dup(pipe.second), "w"),
                                                         &std::fclose);
        std::vector<char> room(1 << 20);
        ASSERT_EQ(std::setvbuf(file.get(), room.data(), _IOFBF, room.size()), 0);
        const std::string much(1 << 18, 'x');
        std::fwrite(much.data(), 1, much.size(), file.get());
        EXPECT_TRUE(jumps_out_of([] { std::fflush(nullptr); }));
        // Cancels reach the fiber as before.
        brio::current_task().cancel();
        EXPECT_THROW(brio::yield(), brio::cancelled_error);
        brio::current_task().uncancel();
        // And the stream is nobody's. (What it held is lost, as after any failed write.)
        ASSERT_EQ(::fcntl(pipe.first, F_SETFL, O_NONBLOCK), 0);
        while (::read(pipe.first, room.data() + much.size(), 1 << 16) > 0) {
        }
        brio::create_task([&] {
            EXPECT_GE(std::fputs("more", file.get()), 0);
            EXPECT_EQ(std::fflush(file.get()), 0);
        }).await();
        EXPECT_EQ(read_all(pipe.first, 4), "more");
    });
}

TEST_F(jumps, wait_until_a_call_on_a_stream_is_left) {
    if (!has_known_stdio()) GTEST_SKIP() << "another libc's stdio";
    const cookie_io_functions_t functions = {nullptr,
                                             [](void*, const char*, std::size_t size) {
                                                 ::raise(SIGUSR1);
                                                 return static_cast<ssize_t>(size);
                                             },
                                             nullptr, nullptr};
    const std::unique_ptr<FILE, int (*)(FILE*)> file(::fopencookie(nullptr, "w", functions),
                                                     &std::fclose);
    ASSERT_EQ(std::setvbuf(file.get(), nullptr, _IONBF, 0), 0);
    brio::run([&] {
        if (sigsetjmp(place, 1) == 0) {
            std::fputs("text", file.get());
            ADD_FAILURE() << "the call has returned";
        }
        install(0, [](int) {});
        brio::create_task([&] { EXPECT_GE(std::fputs("more", file.get()), 0); }).await();
    });
    EXPECT_EQ(jumps_made, 1);
}

TEST_F(jumps, within_a_handler_do_not_leave_it) {
    static volatile sig_atomic_t came_to_its_end = 0;
    came_to_its_end = 0;
    install(0, [](int) {
        static jmp_buf inside;
        if (_setjmp(inside) == 0) ::longjmp(inside, 1);
        // Still a handler: its calls suspend nobody.
        const timespec little = {0, 1000};
        ::nanosleep(&little, nullptr);
        came_to_its_end = 1;
    });
    brio::run([] {
        bool other_ran = false;
        auto other = brio::create_task([&] { other_ran = true; });
        send();
        EXPECT_EQ(came_to_its_end, 1);
        EXPECT_FALSE(other_ran);
        other.await();
    });
}

TEST_F(jumps, leave_errno_of_the_interrupted_fiber_alone) {
    install(0, [](int) {
        errno = EDOM;
        jump(0);
    });
    brio::run([] {
        auto pipe = make_pipe();
        auto sender = brio::create_task([] {
            let_others_run();
            errno = ESRCH;
            send();
            EXPECT_EQ(errno, ESRCH);
        });
        if (sigsetjmp(place, 1) == 0) {
            char byte = 0;
            (void)!::read(pipe.first, &byte, 1);
        }
        sender.await();
    });
}

TEST_F(jumps, go_to_the_fiber_whose_place_it_is) {
    brio::run([] {
        auto pipe = make_pipe();
        auto other_pipe = make_pipe();
        observed older_saw = {};
        auto older = brio::create_task([&] {
            char byte = 0;
            older_saw = observe([&] { return ::read(other_pipe.first, &byte, 1); });
        });
        auto younger = brio::create_task([&] {
            if (sigsetjmp(place, 1) != 0) return true;
            char byte = 0;
            (void)!::read(pipe.first, &byte, 1);
            return false;
        });
        let_others_run();
        brio::create_task([] { send(); }).await();
        EXPECT_TRUE(younger.await());
        let_others_run();
        EXPECT_FALSE(older.done()) << "the handler concerned another fiber";
        ASSERT_EQ(::write(other_pipe.second, "a", 1), 1);
        older.await();
        EXPECT_EQ(older_saw, (observed{1, 0}));
    });
}

TEST_F(jumps, to_where_no_handler_ends_a_wait_end_the_program) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(brio::run([] {
                    auto sender = brio::create_task([] { send(); });
                    if (sigsetjmp(place, 1) == 0) sender.await();
                }),
                testing::KilledBySignal(SIGABRT),
                "brio: a signal handler jumps to a fiber that is");
}

TEST_F(jumps, from_a_loop_that_sleeps) {
    auto pipe = make_pipe();
    const pid_t loop = ::gettid();
    std::atomic<bool> has_place = false;
    std::thread sender([&] {
        while (!has_place || !is_asleep(loop)) std::this_thread::yield();
        send();
    });
    const bool jumped = brio::run([&] {
        if (sigsetjmp(place, 1) != 0) return true;
        has_place = true;
        char byte = 0;
        (void)!::read(pipe.first, &byte, 1);
        return false;
    });
    sender.join();
    EXPECT_TRUE(jumped);
}

TEST_F(jumps, come_again_and_again) {
    brio::run([] {
        auto pipe = make_pipe();
        for (int round = 0; round < 100; ++round)
            ASSERT_TRUE(jumps_out_of([&] {
                char byte = 0;
                (void)!::read(pipe.first, &byte, 1);
            }));
    });
    EXPECT_EQ(jumps_made, 100);
}

namespace {

void raise_within(int) {
    ::raise(SIGUSR2);
    std::abort();
}

}  // namespace

TEST_F(jumps, leave_all_handlers_that_are_under_way) {
    struct sigaction before = {};
    struct sigaction ours = {};
    ours.sa_handler = &jump;
    ASSERT_EQ(::sigaction(SIGUSR2, &ours, &before), 0);
    install(0, &raise_within);
    brio::run([] {
        auto pipe = make_pipe();
        char byte = 0;
        EXPECT_TRUE(jumps_out_of([&] { (void)!::read(pipe.first, &byte, 1); }));
        // Calls suspend again: no handler is taken to be running.
        bool ran = false;
        auto other = brio::create_task([&] {
            ran = true;
            EXPECT_EQ(::write(pipe.second, "a", 1), 1);
        });
        EXPECT_EQ(::read(pipe.first, &byte, 1), 1);
        EXPECT_TRUE(ran);
        other.await();
    });
    ::sigaction(SIGUSR2, &before, nullptr);
}
