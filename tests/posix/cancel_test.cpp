// Cancellation of a fiber inside C code. The rules, for each call, are played in symbols_test.cpp.

#include "posix/fibers.hpp"

#include <brio/posix.hpp>

#include <csetjmp>
#include <poll.h>
#include <string>
#include <vector>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;

observed read_one(int fd) {
    char letter = 0;
    return observe([&] { return ::read(fd, &letter, 1); });
}
constexpr observed told = {-1, ECANCELED};

}  // namespace

TEST(cancel, is_told_to_c_and_delivered_at_the_next_suspension_in_cpp) {
    const two_ends pipe = make_pipe();
    brio::run([&] {
        std::vector<observed> seen;
        std::string message;
        auto task = brio::create_task([&] {
            for (int i = 0; i < 3; ++i) seen.push_back(read_one(pipe.first));
            try {
                brio::sleep(1h);
            } catch (const brio::cancelled_error& e) {
                message = e.what();
            }
            // Delivered once; then the fiber is as any other.
            EXPECT_EQ(::write(pipe.second, "x", 1), 1);
            EXPECT_EQ(read_one(pipe.first), (observed{1, 0}));
        });
        brio::yield();
        task.cancel("enough");
        task.await();
        EXPECT_THAT(seen, testing::ElementsAre(told, told, told));
        EXPECT_EQ(message, "enough");
    });
}

TEST(cancel, a_result_that_arrived_wins_and_the_next_call_is_told) {
    const two_ends pipe = make_pipe();
    brio::run([&] {
        std::vector<observed> seen;
        auto task = brio::create_task([&] {
            seen.push_back(read_one(pipe.first));
            seen.push_back(read_one(pipe.first));
        });
        let_others_run();
        EXPECT_EQ(::write(pipe.second, "x", 1), 1);
        task.cancel();
        EXPECT_THROW(task.await(), brio::cancelled_error);
        // Whether the kernel or the cancel was first is the kernel's affair; no byte gets lost.
        ASSERT_EQ(seen.size(), 2U);
        EXPECT_EQ(seen[1], told);
        if (seen[0] == told) {
            EXPECT_EQ(read_one(pipe.first), (observed{1, 0}));
        } else {
            EXPECT_EQ(seen[0], (observed{1, 0}));
        }
    });
}

TEST(cancel, c_code_that_retries_for_ever_holds_up_only_itself) {
    const two_ends pipe = make_pipe();
    brio::run([&] {
        bool stop = false;
        int retries = 0;
        auto stubborn = brio::create_task([&] {
            while (!stop && read_one(pipe.first) == told) ++retries;
        });
        brio::yield();
        stubborn.cancel();
        for (int turn = 0; turn < 10; ++turn) brio::yield();
        stop = true;
        EXPECT_THROW(stubborn.await(), brio::cancelled_error);
        EXPECT_GE(retries, 8);
        EXPECT_LE(retries, 100);
    });
}

TEST(cancel, a_timeout_around_c_code_is_a_timeout_error) {
    const two_ends pipe = make_pipe();
    brio::testing::run([&] {
        bool told_so = false;
        EXPECT_THROW(brio::timeout(1h, [&] { told_so = read_one(pipe.first) == told; }),
                     brio::timeout_error);
        EXPECT_TRUE(told_so);
        // It has been used up.
        EXPECT_EQ(::write(pipe.second, "x", 1), 1);
        EXPECT_EQ(read_one(pipe.first), (observed{1, 0}));
        brio::sleep(1s);
    });
}

TEST(cancel, a_withdrawn_cancel_goes_unnoticed) {
    const two_ends pipe = make_pipe();
    brio::run([&] {
        auto task = brio::create_task([&] { return read_one(pipe.first); });
        let_others_run();
        task.cancel();
        task.uncancel();
        EXPECT_EQ(::write(pipe.second, "x", 1), 1);
        EXPECT_EQ(task.await(), (observed{1, 0}));
    });
}

TEST(cancel, close_is_never_refused) {
    two_ends pipe = make_pipe();
    brio::run([&] {
        auto task = brio::create_task([&] {
            brio::current_task().cancel();
            EXPECT_EQ(::close(::dup(pipe.first)), 0);
            const int number = pipe.first;
            pipe.first.close();
            EXPECT_EQ(observe([&] { return ::fcntl(number, F_GETFD); }), (observed{-1, EBADF}));
        });
        EXPECT_THROW(task.await(), brio::cancelled_error);
    });
}

TEST(cancel, destructors_that_run_during_unwinding_do_their_io) {
    const two_ends pipe = make_pipe();
    struct says_goodbye {
        ~says_goodbye() { written = ::write(fd, "bye", 3); }
        int fd;
        ssize_t& written;
    };
    brio::run([&] {
        ssize_t written = 0;
        auto task = brio::create_task([&] {
            const says_goodbye at_the_end{pipe.second, written};
            brio::current_task().cancel();
            throw std::runtime_error("on the way out");
        });
        EXPECT_THROW(task.await(), std::runtime_error);
        EXPECT_EQ(written, 3);
    });
}

namespace {

/// What C libraries do: calls back in the middle of its work, and may not be unwound.
struct c_library {
    std::string trace;
    template <class Callback>
    int work(int fd, Callback&& callback) {
        trace += "begin ";
        callback();
        trace += "called back ";
        const observed seen = read_one(fd);
        trace += seen == told ? "ECANCELED " : "data ";
        trace += "end";
        return seen.error;
    }
};

}  // namespace

TEST(cancel, nothing_throws_inside_a_c_callback) {
    const two_ends pipe = make_pipe();
    brio::testing::run([&] {
        c_library library;
        auto task = brio::create_task([&] {
            library.work(pipe.first, [] {
                const brio::c_callback scope;
                brio::sleep(1h);
                brio::yield();
            });
        });
        brio::sleep(1min);
        task.cancel();
        EXPECT_THROW(task.await(), brio::cancelled_error);
        EXPECT_EQ(library.trace, "begin called back ECANCELED end");
    });
}

TEST(cancel, c_callback_scopes_nest_and_mean_nothing_elsewhere) {
    { const brio::c_callback outside_any_loop; }
    brio::run([] {
        auto task = brio::create_task([] {
            const brio::c_callback outer;
            { const brio::c_callback inner; }
            brio::current_task().cancel();
            EXPECT_NO_THROW(brio::yield());
        });
        EXPECT_THROW(task.await(), brio::cancelled_error);
    });
}
