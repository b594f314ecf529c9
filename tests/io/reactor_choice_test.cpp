// Which reactor a loop gets, and that it says why. The kernel's refusal is a real one: a child
// process forbids itself io_uring_setup, as containers do.

#include <brio/brio.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <system_error>

namespace {

using ::testing::ExitedWithCode;
using ::testing::StartsWith;

void forbid_io_uring() {
    constexpr auto allow = std::uint32_t(SECCOMP_RET_ALLOW);
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, std::uint32_t(SECCOMP_RET_ERRNO) | EPERM),
        BPF_STMT(BPF_RET | BPF_K, allow),
    };
    const sock_fprog filter = {std::size(program), program};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
        std::perror("seccomp");
        std::_Exit(1);
    }
}

/// What a loop says of its reactor, or why there is no loop: on standard error, in a child.
[[noreturn]] void tell(brio::reactor_choice choice, const char* from_environment) {
    ::setenv("BRIO_REACTOR", from_environment, 1);
    forbid_io_uring();
    brio::loop_options options;
    options.reactor = choice;
    try {
        brio::run(
            [] {
                brio::sleep(std::chrono::milliseconds(1));
                std::fprintf(stderr, "%s\n",
                             std::string(brio::get_running_loop().reactor_reason()).c_str());
            },
            options);
    } catch (const std::system_error& e) {
        std::fprintf(stderr, "%d %s\n", e.code().value(), e.what());
    }
    std::_Exit(0);
}

constexpr char refused[] =
    "^1 io_uring, asked for by .*, is not to be had: io_uring_setup: Operation not permitted "
    ".seccomp, or sysctl kernel.io_uring_disabled.: Operation not permitted\n$";

TEST(reactor_choice, falls_back_to_epoll_and_says_why) {
    EXPECT_EXIT(tell(brio::reactor_choice::automatic, ""), ExitedWithCode(0),
                "^epoll: io_uring_setup: Operation not permitted .seccomp");
}

TEST(reactor_choice, of_the_options_is_refused_with_the_cause) {
    EXPECT_EXIT(tell(brio::reactor_choice::io_uring, ""), ExitedWithCode(0), refused);
}

TEST(reactor_choice, of_the_environment_is_refused_with_the_cause) {
    EXPECT_EXIT(tell(brio::reactor_choice::automatic, "io_uring"), ExitedWithCode(0), refused);
}

TEST(reactor_choice, of_the_options_goes_before_that_of_the_environment) {
    EXPECT_EXIT(tell(brio::reactor_choice::epoll, "io_uring"), ExitedWithCode(0),
                "^epoll: asked for by loop_options\n$");
}

TEST(reactor_choice, named_is_made_with_the_loop) {
    brio::loop_options options;
    options.reactor = brio::reactor_choice::epoll;
    EXPECT_THAT(std::string(brio::runner(options).get_loop().reactor_reason()),
                StartsWith("epoll: asked for by"));
}

}  // namespace
