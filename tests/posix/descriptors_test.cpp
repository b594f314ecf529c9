// What the layer remembers of descriptors, and when it has to forget it.

#include "base/private_descriptor.hpp"
#include "context/file_limit.hpp"
#include "posix/fibers.hpp"

#include <algorithm>
#include <cstdio>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <vector>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;

/// Has the layer learn about `fd`: a read that waits.
void make_known(int fd, int other_end) {
    auto reader = brio::create_task([&] {
        char letter = 0;
        return ::read(fd, &letter, 1);
    });
    brio::yield();
    EXPECT_EQ(::write(other_end, "x", 1), 1);
    EXPECT_EQ(reader.await(), 1);
}

observed read_one(int fd) {
    char letter = 0;
    return observe([&] { return ::read(fd, &letter, 1); });
}

constexpr observed would_block = {-1, EAGAIN};

/// Whether a read of `fd` suspends; it is ended by a letter.
bool read_suspends(int fd, int other_end) {
    auto reader = brio::create_task([&] { return read_one(fd); });
    let_others_run();
    const bool waits = !reader.done();
    if (waits) {
        EXPECT_EQ(::write(other_end, "x", 1), 1);
    }
    reader.await();
    return waits;
}

}  // namespace

TEST(descriptors, a_mode_that_fcntl_changes_counts_at_once) {
    const two_ends pipe = make_pipe();
    brio::run([&] {
        make_known(pipe.first, pipe.second);
        const int mode = ::fcntl(pipe.first, F_GETFL);
        ASSERT_EQ(::fcntl(pipe.first, F_SETFL, mode | O_NONBLOCK), 0);
        EXPECT_EQ(read_one(pipe.first), would_block);
        EXPECT_EQ(::fcntl(pipe.first, F_GETFL), mode | O_NONBLOCK);
        ASSERT_EQ(::fcntl(pipe.first, F_SETFL, mode), 0);
        EXPECT_TRUE(read_suspends(pipe.first, pipe.second));
        ASSERT_EQ(::fcntl64(pipe.first, F_SETFL, mode | O_NONBLOCK), 0);
        EXPECT_EQ(read_one(pipe.first), would_block);
    });
}

TEST(descriptors, a_mode_that_ioctl_changes_counts_at_once) {
    const two_ends pair = make_socketpair();
    brio::run([&] {
        make_known(pair.first, pair.second);
        int on = 1;
        ASSERT_EQ(::ioctl(pair.first, FIONBIO, &on), 0);
        EXPECT_EQ(read_one(pair.first), would_block);
        on = 0;
        ASSERT_EQ(::ioctl(pair.first, FIONBIO, &on), 0);
        EXPECT_TRUE(read_suspends(pair.first, pair.second));
    });
}

TEST(descriptors, a_mode_changed_through_a_duplicate_counts) {
    const two_ends pipe = make_pipe();
    brio::run([&] {
        make_known(pipe.first, pipe.second);
        for (int how = 0; how < 3; ++how) {
            const descriptor duplicate(how == 0   ? ::dup(pipe.first)
                                       : how == 1 ? ::fcntl(pipe.first, F_DUPFD_CLOEXEC, 100)
                                                  : ::dup2(pipe.first, 200));
            ASSERT_EQ(::fcntl(duplicate, F_SETFL, O_NONBLOCK), 0);
            EXPECT_EQ(read_one(pipe.first), would_block);
            EXPECT_EQ(read_one(duplicate), would_block);
            ASSERT_EQ(::fcntl(duplicate, F_SETFL, 0), 0);
            EXPECT_TRUE(read_suspends(duplicate, pipe.second));
        }
    });
}

TEST(descriptors, a_number_that_is_closed_and_used_again_is_asked_about_again) {
    brio::run([&] {
        two_ends pipe = make_pipe();
        const int number = pipe.first;
        make_known(pipe.first, pipe.second);
        pipe.first.close();
        const two_ends nonblocking = make_pipe(O_NONBLOCK);
        ASSERT_EQ(static_cast<int>(nonblocking.first), number);
        EXPECT_EQ(read_one(nonblocking.first), would_block);
    });
}

TEST(descriptors, dup2_and_dup3_over_a_known_number_count) {
    const two_ends blocking = make_pipe();
    const two_ends nonblocking = make_pipe(O_NONBLOCK);
    brio::run([&] {
        make_known(blocking.first, blocking.second);
        ASSERT_EQ(::dup2(nonblocking.first, blocking.first), blocking.first);
        EXPECT_EQ(read_one(blocking.first), would_block);
        const two_ends third = make_pipe();
        ASSERT_EQ(::dup3(third.first, blocking.first, O_CLOEXEC), blocking.first);
        EXPECT_TRUE(read_suspends(blocking.first, third.second));
    });
}

TEST(descriptors, close_range_over_known_numbers_counts) {
    brio::run([&] {
        const two_ends pipe = make_pipe();
        const int number = ::fcntl(pipe.first, F_DUPFD, 500);
        make_known(number, pipe.second);
        ASSERT_EQ(::close_range(500, 600, 0), 0);
        EXPECT_EQ(read_one(number), (observed{-1, EBADF}));
        const two_ends nonblocking = make_pipe(O_NONBLOCK);
        ASSERT_EQ(::dup2(nonblocking.first, number), number);
        EXPECT_EQ(read_one(number), would_block);
        ::close(number);
    });
}

TEST(descriptors, a_number_that_libc_itself_closed_is_asked_about_again) {
    // fclose closes inside libc, unseen; whoever makes the next descriptor is seen.
    brio::run([&] {
        two_ends pair = make_socketpair();
        const int number = ::dup(pair.first);
        std::FILE* const stream = ::fdopen(number, "r");
        make_known(number, pair.second);
        std::fclose(stream);
        const descriptor fresh(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
        ASSERT_EQ(static_cast<int>(fresh), number);
        EXPECT_EQ(read_one(fresh), would_block);
    });
}

namespace {

/// A wait of each kind that holds a descriptor of Brio's own, and what is woken by another thread.
void expect_loop_works() {
    const two_ends pipe = make_pipe();
    EXPECT_TRUE(read_suspends(pipe.first, pipe.second));
    const two_ends sockets = make_socketpair();
    EXPECT_TRUE(read_suspends(sockets.first, sockets.second));
    EXPECT_EQ(brio::to_thread([] { return 7; }), 7);
}

}  // namespace

TEST(descriptors, a_program_that_closes_whatever_is_open_leaves_the_loop_alone) {
    const file_limit limit(4096);
    brio::run([] {
        expect_loop_works();
        const int lowest = ::dup(0);
        ASSERT_EQ(::close_range(static_cast<unsigned>(lowest), ~0U, 0), 0);
        expect_loop_works();
        ::closefrom(lowest);
        expect_loop_works();
        const auto end = static_cast<int>(::sysconf(_SC_OPEN_MAX));
        for (int fd = lowest; fd < end; ++fd) ::close(fd);
        expect_loop_works();
    });
}

TEST(descriptors, the_loops_own_are_not_open_to_a_program) {
    const file_limit limit(4096);
    const two_ends pipe = make_pipe();
    const two_ends sockets = make_socketpair();
    std::vector<int> free_numbers;
    for (int fd = 0; fd < ::sysconf(_SC_OPEN_MAX); ++fd)
        if (::fcntl(fd, F_GETFD) < 0) free_numbers.push_back(fd);
    brio::run([&] {
        auto reader = brio::create_task([&] { return read_one(pipe.first); });
        auto receiver = brio::create_task([&] { return read_one(sockets.first); });
        let_others_run();
        struct stat file {};
        const observed not_open = {-1, EBADF};
        for (const int fd : free_numbers) {
            EXPECT_EQ(observe([&] { return ::fstat(fd, &file); }), not_open) << fd;
            EXPECT_EQ(observe([&] { return ::fcntl(fd, F_GETFD); }), not_open) << fd;
            EXPECT_EQ(observe([&] { return ::dup(fd); }), not_open) << fd;
            EXPECT_EQ(observe([&] { return ::dup2(fd, 0); }), not_open) << fd;
            if (!brio::detail::is_private(fd)) continue;
            EXPECT_EQ(observe([&] { return ::dup2(0, fd); }), not_open) << fd;
            EXPECT_EQ(observe([&] { return ::dup3(0, fd, 0); }), not_open) << fd;
            EXPECT_EQ(observe([&] { return ::close(fd); }), not_open) << fd;
        }
        EXPECT_EQ(::write(pipe.second, "x", 1), 1);
        EXPECT_EQ(::write(sockets.second, "x", 1), 1);
        EXPECT_EQ(reader.await(), (observed{1, 0}));
        EXPECT_EQ(receiver.await(), (observed{1, 0}));
    });
}

TEST(descriptors, a_child_may_close_those_of_its_parents_loop) {
    const file_limit limit(4096);
    brio::run([] {
        two_ends sockets = make_socketpair();
        auto reader = brio::create_task([&] { return read_one(sockets.first); });
        let_others_run();
        const pid_t child = ::fork();
        if (child == 0) {
            ::closefrom(3);
            for (int fd = 3; fd < 4096; ++fd)
                if (::syscall(SYS_fcntl, fd, F_GETFD) >= 0) ::_exit(1);
            ::_exit(0);
        }
        int status = -1;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0) << "the child has kept one open";
        sockets.second.close();
        EXPECT_EQ(reader.await(), (observed{0, 0}));
    });
}

TEST(descriptors, numbers_beyond_the_table_work) {
    const two_ends pipe = make_pipe();
    rlimit before = {};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit wanted = {80'000, std::max<rlim_t>(before.rlim_max, 80'000)};
    ::setrlimit(RLIMIT_NOFILE, &wanted);  // a hard limit below it only root may raise
    const int high = ::fcntl(pipe.first, F_DUPFD, 70'000);
    ::setrlimit(RLIMIT_NOFILE, &before);
    if (high < 0) GTEST_SKIP() << "not allowed to have so many descriptors";
    brio::run([&] {
        EXPECT_TRUE(read_suspends(high, pipe.second));
        ASSERT_EQ(::fcntl(high, F_SETFL, O_NONBLOCK), 0);
        EXPECT_EQ(read_one(high), would_block);
    });
    ::close(high);
}

TEST(descriptors, the_wrong_end_of_a_pipe_is_told_in_non_blocking_mode) {
    const two_ends pipe = make_pipe();
    ::fcntl(pipe.first, F_SETFL, O_NONBLOCK);
    ::fcntl(pipe.second, F_SETFL, O_NONBLOCK);
    brio::run([&] {
        EXPECT_EQ(::write(pipe.second, "x", 1), 1);  // from here on RWF_NOWAIT is not tried
        EXPECT_EQ(read_one(pipe.second).error, EBADF);
        EXPECT_EQ(read_one(pipe.first).result, 1);
        EXPECT_EQ(read_one(pipe.first), would_block);
    });
}

TEST(descriptors, modes_changed_by_many_threads_are_never_mistaken) {
    // Another thread flips the mode all the time; what the layer knows after the last flip is true.
    const two_ends pipe = make_pipe();
    for (int round = 0; round < 20; ++round) {
        std::thread flips([&] {
            for (int i = 0; i < 200; ++i) {
                ::fcntl(pipe.first, F_SETFL, O_NONBLOCK);
                ::fcntl(pipe.first, F_SETFL, 0);
            }
            ::fcntl(pipe.first, F_SETFL, O_NONBLOCK);
        });
        brio::run([&] {
            for (int i = 0; i < 200; ++i) {
                ASSERT_EQ(::write(pipe.second, "x", 1), 1);
                char room[2];
                ::read(pipe.first, room, 1);
                // Would block: asks, unless it is known.
                auto reader = brio::create_task([&] { return read_one(pipe.first); });
                brio::yield();
                if (!reader.done()) {
                    EXPECT_EQ(::write(pipe.second, "x", 1), 1);
                }
                reader.await();
            }
        });
        flips.join();
        brio::run([&] { EXPECT_EQ(read_one(pipe.first), would_block); });
        ::fcntl(pipe.first, F_SETFL, 0);
        brio::run([&] { EXPECT_TRUE(read_suspends(pipe.first, pipe.second)); });
    }
}
