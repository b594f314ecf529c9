// Who gets libc's own behaviour: threads without a loop, callbacks, passthrough_scope, the child of a
// fork. What whole programs show is in programs_test.cpp.

#include "posix/fibers.hpp"
#include "scheduler/threads.hpp"

#include <brio/posix.hpp>

#include <csignal>
#include <poll.h>
#include <sys/wait.h>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;

/// Ends a call that blocks this thread, which nothing inside the loop could. Not before the thread
/// sleeps: a letter that is there already would be read at once, by whatever way.
class letter_from_a_thread {
public:
    explicit letter_from_a_thread(int fd)
        : thread_([fd, reader = brio_tests::this_thread_id()] {
              EXPECT_TRUE(brio_tests::comes_true([&] { return brio_tests::asleep(reader); }));
              EXPECT_EQ(::write(fd, "x", 1), 1);
          }) {}

private:
    std::jthread thread_;
};

/// Reads a letter; whether other fibers ran meanwhile.
bool read_lets_others_run(int fd) {
    bool other_ran = false;
    auto other = brio::create_task([&] { other_ran = true; });
    char letter = 0;
    EXPECT_EQ(::read(fd, &letter, 1), 1);
    const bool seen = other_ran;
    other.await();
    return seen;
}

}  // namespace

TEST(ways_out, a_passthrough_scope_blocks_the_thread) {
    const two_ends pipe = make_pipe();
    brio::run([&] {
        {
            const letter_from_a_thread letter(pipe.second);
            EXPECT_TRUE(read_lets_others_run(pipe.first));
        }
        {
            const letter_from_a_thread letter(pipe.second);
            const brio::posix::passthrough_scope scope;
            { const brio::posix::passthrough_scope nested; }
            EXPECT_FALSE(read_lets_others_run(pipe.first));
        }
        {
            const letter_from_a_thread letter(pipe.second);
            EXPECT_TRUE(read_lets_others_run(pipe.first));
        }
    });
}

TEST(ways_out, a_passthrough_scope_belongs_to_its_fiber) {
    const two_ends pipe = make_pipe();
    brio::run([&] {
        const brio::posix::passthrough_scope scope;
        auto other = brio::create_task([&] {
            char letter = 0;
            return ::read(pipe.first, &letter, 1);
        });
        brio::yield();
        EXPECT_FALSE(other.done());
        EXPECT_EQ(::write(pipe.second, "x", 1), 1);
        EXPECT_EQ(other.await(), 1);
    });
}

TEST(ways_out, a_passthrough_scope_keeps_a_cancel_away) {
    const two_ends pipe = make_pipe();
    ASSERT_EQ(::write(pipe.second, "x", 1), 1);
    brio::run([&] {
        auto task = brio::create_task([&] {
            brio::current_task().cancel();
            const brio::posix::passthrough_scope scope;
            char letter = 0;
            EXPECT_EQ(::read(pipe.first, &letter, 1), 1);
        });
        EXPECT_THROW(task.await(), brio::cancelled_error);
    });
}

TEST(ways_out, callbacks_on_the_loops_stack_block) {
    const two_ends pipe = make_pipe();
    brio::run([&] {
        const letter_from_a_thread letter(pipe.second);
        bool called = false;
        brio::get_running_loop().call_soon([&] {
            char room = 0;
            EXPECT_EQ(::read(pipe.first, &room, 1), 1);
            pollfd item = {pipe.first, POLLIN, 0};
            EXPECT_EQ(::poll(&item, 1, 0), 0);
            EXPECT_EQ(::usleep(1), 0);
            called = true;
        });
        brio::yield();
        EXPECT_TRUE(called);
    });
}

TEST(ways_out, other_threads_block_while_a_loop_runs_here) {
    const two_ends pipe = make_pipe();
    brio::run([&] {
        const letter_from_a_thread letter(pipe.second);
        std::jthread([&] {
            char room = 0;
            EXPECT_EQ(::read(pipe.first, &room, 1), 1);
        });
    });
}

TEST(ways_out, the_child_of_a_fork_in_a_fiber_has_libcs_calls) {
    const two_ends to_child = make_pipe();
    const two_ends to_parent = make_pipe();
    brio::run([&] {
        // In the child, a fiber that suspends would let this one run.
        auto other = brio::create_task([&] {
            char letter = 0;
            EXPECT_EQ(::read(to_parent.first, &letter, 1), 1);
            return letter;
        });
        brio::yield();
        const pid_t child = ::fork();
        if (child == 0) {
            char letter = 0;
            pollfd item = {to_child.first, POLLIN, 0};
            bool ok = ::poll(&item, 1, -1) == 1 && ::read(to_child.first, &letter, 1) == 1;
            ok = ok && ::usleep(1) == 0 && ::write(to_parent.second, "c", 1) == 1;
            ::_exit(ok ? 0 : 1);
        }
        ASSERT_GT(child, 0);
        EXPECT_EQ(::write(to_child.second, "x", 1), 1);
        EXPECT_EQ(other.await(), 'c');
        int status = -1;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
        // The parent's loop is as before.
        auto again = brio::create_task([&] {
            char letter = 0;
            return ::read(to_parent.first, &letter, 1);
        });
        brio::yield();
        EXPECT_EQ(::write(to_parent.second, "x", 1), 1);
        EXPECT_EQ(again.await(), 1);
    });
}

TEST(ways_out, the_child_of_a_fork_outside_fibers_may_run_a_loop_of_its_own) {
    const two_ends pipe = make_pipe();
    brio::run([] { brio::sleep(1ms); });
    const pid_t child = ::fork();
    if (child == 0) {
        const bool suspended = brio::run([&] {
            auto reader = brio::create_task([&] {
                char letter = 0;
                return ::read(pipe.first, &letter, 1);
            });
            brio::yield();
            const bool waits = !reader.done();
            return ::write(pipe.second, "x", 1) == 1 && reader.await() == 1 && waits;
        });
        ::_exit(suspended ? 0 : 1);
    }
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}
