// Children: of fork, and of vfork, which run in their parent's memory.

#include "posix/fibers.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

namespace {

using namespace posix_tests;

int status_of(pid_t child) {
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// What a child does before it executes: nothing of it may reach the parent's loop.
[[noreturn]] void make_ready_and_execute(const char* program, int out) {
    ::dup2(out, STDOUT_FILENO);
    const int opened = ::open("/dev/null", O_RDONLY);
    ::close(opened);
    ::usleep(1000);
    ::execl(program, program, "-c", "echo from the child", nullptr);
    ::_exit(127);
}

}  // namespace

// A child of vfork must not return from the function that made it; so the tests are in one function each.

TEST(vfork, the_child_has_libcs_own_calls_and_the_parent_has_its_loop) {
    brio::run([] {
        auto pipe = make_pipe();
        int turns = 0;
        auto ticker = brio::create_task([&] {
            for (;; brio::yield()) ++turns;
        });
        brio::yield();
        const int before = turns;
        const pid_t child = ::vfork();
        if (child == 0) make_ready_and_execute("/bin/sh", pipe.second);
        EXPECT_GT(child, 0);
        EXPECT_EQ(turns, before) << "the child ran the parent's fibers";
        EXPECT_EQ(read_all(pipe.first, 15), "from the child\n");
        ::usleep(1000);
        EXPECT_GT(turns, before) << "the parent's calls suspend again";
        EXPECT_EQ(status_of(child), 0);
        ticker.cancel();
        EXPECT_THROW(ticker.await(), brio::cancelled_error);
    });
}

TEST(vfork, a_child_that_cannot_execute_tells_in_its_parents_memory) {
    brio::run([] {
        auto pipe = make_pipe();
        volatile int told = 0;
        const pid_t child = ::vfork();
        if (child == 0) {
            ::execl("/nonexistent", "nonexistent", nullptr);
            told = errno;
            ::_exit(9);
        }
        EXPECT_EQ(told, ENOENT);
        EXPECT_EQ(status_of(child), 9);
    });
}

TEST(vfork, outside_of_fibers) {
    const pid_t child = ::vfork();
    if (child == 0) ::_exit(4);
    EXPECT_EQ(status_of(child), 4);
}

TEST(fork, the_child_of_a_fiber_has_libcs_own_calls) {
    brio::run([] {
        auto pipe = make_pipe();
        auto ticker = brio::create_task([] {
            for (;;) brio::yield();
        });
        brio::yield();
        const pid_t child = ::fork();
        if (child == 0) make_ready_and_execute("/bin/sh", pipe.second);
        EXPECT_EQ(read_all(pipe.first, 15), "from the child\n");
        EXPECT_EQ(status_of(child), 0);
        ticker.cancel();
        EXPECT_THROW(ticker.await(), brio::cancelled_error);
    });
}

TEST(spawn, on_a_fiber) {
    brio::run([] {
        auto pipe = make_pipe();
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, pipe.second, STDOUT_FILENO);
        char name[] = "sh";
        char option[] = "-c";
        char script[] = "echo from the child";
        char* const arguments[] = {name, option, script, nullptr};
        pid_t child = 0;
        EXPECT_EQ(::posix_spawn(&child, "/bin/sh", &actions, nullptr, arguments, ::environ), 0);
        ::posix_spawn_file_actions_destroy(&actions);
        EXPECT_EQ(read_all(pipe.first, 15), "from the child\n");
        EXPECT_EQ(status_of(child), 0);
    });
}
