// The audit: it finds what blocks the thread unseen, and nothing else.

#include "posix/fibers.hpp"

#include <brio/audit.hpp>
#include <brio/posix.hpp>

#include <csignal>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

/// By number, which nothing interposes but for futexes.
void block_unseen(std::chrono::milliseconds length) {
    const timespec time = {0, std::chrono::nanoseconds(length).count()};
    EXPECT_EQ(::syscall(SYS_nanosleep, &time, nullptr), 0);
}

/// What is thrown where an audit cannot be made.
std::string refusal() {
    try {
        const brio::posix::audit refused;
    } catch (const brio::usage_error& e) {
        return e.what();
    }
    return "made";
}

class audit : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_EQ(brio::posix::audit::available(), has_syscall_dispatch());
        if (has_syscall_dispatch()) return;
        EXPECT_THAT(refusal(),
                    testing::StartsWith("brio::posix::audit: no Syscall User Dispatch here: "));
        GTEST_SKIP() << "no Syscall User Dispatch";
    }
};

}  // namespace

TEST_F(audit, finds_a_call_that_blocks_unseen) {
    brio::run([] {
        const brio::posix::audit watched;
        brio::create_task([] { block_unseen(20ms); }, {.name = "guilty"}).await();
        const auto found = watched.findings();
        ASSERT_EQ(found.size(), 1U);
        EXPECT_EQ(found[0].name, "nanosleep");
        EXPECT_EQ(found[0].task, "guilty");
        EXPECT_GT(found[0].length, 1ms);
        EXPECT_GT(found[0].call_stack.size(), 2U);
        EXPECT_THAT(found[0].describe(), HasSubstr("nanosleep blocked the loop's thread for "));
        EXPECT_THAT(found[0].describe(), HasSubstr("in task 'guilty'"));
        EXPECT_THAT(found[0].describe(), HasSubstr("test_posix"));
    });
}

TEST_F(audit, finds_nothing_where_fibers_wait) {
    brio::run([] {
        const brio::posix::audit watched;
        auto pipe = make_pipe();
        auto writer = brio::create_task([&] {
            ::usleep(1000);
            return ::write(pipe.second, "a", 1);
        });
        char byte = 0;
        EXPECT_EQ(::read(pipe.first, &byte, 1), 1);
        EXPECT_EQ(writer.await(), 1);
        std::thread other([] {});
        other.join();
        for (const auto& call : watched.findings()) ADD_FAILURE() << call.describe();
    });
}

TEST_F(audit, leaves_out_what_a_passthrough_scope_asks_for) {
    brio::run([] {
        const brio::posix::audit watched;
        const brio::posix::passthrough_scope own;
        ::usleep(1000);
        EXPECT_THAT(watched.findings(), IsEmpty());
    });
}

TEST_F(audit, survives_a_mask_that_is_set_by_number) {
    brio::run([] {
        const brio::posix::audit watched;
        const std::uint64_t all = ~std::uint64_t{0};
        std::uint64_t before = 0;
        EXPECT_EQ(::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all), 0);
        EXPECT_GT(::getppid(), -1);
        EXPECT_EQ(::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, nullptr, sizeof all), 0);
    });
}

TEST_F(audit, what_runs_under_it_notices_nothing) {
    static volatile sig_atomic_t handled = 0;
    handled = 0;
    struct sigaction before = {};
    struct sigaction ours = {};
    ours.sa_handler = [](int) { handled = handled + 1; };
    ::sigfillset(&ours.sa_mask);
    ::sigaction(SIGUSR1, &ours, &before);
    brio::run([] {
        const brio::posix::audit watched;
        sigset_t all;
        sigset_t old;
        ::sigfillset(&all);
        EXPECT_EQ(::pthread_sigmask(SIG_SETMASK, &all, &old), 0);
        sigset_t now;
        ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
        EXPECT_EQ(::sigismember(&now, SIGUSR1), 1);
        ::raise(SIGUSR1);
        EXPECT_EQ(handled, 0);
        EXPECT_EQ(::pthread_sigmask(SIG_SETMASK, &old, nullptr), 0);
        EXPECT_EQ(handled, 1);
        ::raise(SIGUSR1);
        EXPECT_EQ(handled, 2);
        const pid_t child = ::fork();
        if (child == 0) ::_exit(::getppid() > 0 ? 5 : 6);
        int status = 0;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(WEXITSTATUS(status), 5);
        EXPECT_EQ(::system("exit 3"), 3 << 8);
        EXPECT_EQ(::open("/nonexistent", O_RDONLY), -1);
        EXPECT_EQ(errno, ENOENT);
        block_unseen(5ms);
        EXPECT_EQ(watched.findings().size(), 1U) << "it looks again after the fork";
    });
    ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(audit, callbacks_have_no_task) {
    brio::run([] {
        const brio::posix::audit watched;
        brio::get_running_loop().call_soon([] { block_unseen(1ms); });
        brio::yield();
        const auto found = watched.findings();
        ASSERT_EQ(found.size(), 1U);
        EXPECT_EQ(found[0].task, "");
        EXPECT_THAT(found[0].describe(), HasSubstr(" in a callback\n"));
    });
}

TEST_F(audit, keeps_the_first_of_many) {
    brio::run([] {
        const brio::posix::audit watched;
        for (int i = 0; i < 70; ++i) block_unseen(1ms);
        EXPECT_EQ(watched.findings().size(), 64U);
    });
}

TEST_F(audit, there_is_one_for_a_thread) {
    brio::run([] {
        {
            const brio::posix::audit watched;
            EXPECT_EQ(refusal(), "brio::posix::audit: this thread has one already");
        }
        EXPECT_EQ(refusal(), "made");
    });
}
