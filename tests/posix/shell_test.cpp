// system, popen, pclose.

#include "posix/fibers.hpp"

#include <brio/posix.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <sys/wait.h>
#include <vector>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;

/// A shell that says "x" on one pipe when it runs, and goes on when it gets a line through another.
struct held_shell {
    two_ends ready = make_pipe();
    two_ends go = make_pipe();
    [[nodiscard]] std::string command(const std::string& then = "exit 7") const {
        return "printf x >/dev/fd/" + std::to_string(ready.second) + "; read -r line </dev/fd/" +
               std::to_string(go.first) + "; " + then;
    }
    void wait_until_it_runs() const {
        char letter = 0;
        EXPECT_EQ(::read(ready.first, &letter, 1), 1);
    }
    void let_go() const { EXPECT_EQ(::write(go.second, "\n", 1), 1); }
};

bool is_blocked(int signal) {
    sigset_t mask;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    return ::sigismember(&mask, signal) == 1;
}
auto disposition(int signal) {
    struct sigaction now = {};
    ::sigaction(signal, nullptr, &now);
    return now.sa_handler;
}
bool has_children() {
    siginfo_t info;
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}
std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}
std::string read_all(std::FILE* stream) {
    std::string text;
    for (int c; (c = std::fgetc(stream)) != EOF;) text.push_back(static_cast<char>(c));
    return text;
}

}  // namespace

TEST(system, answers_what_libc_answers) {
    for (const char* command : {"exit 0", "exit 3", "kill -9 $$", "no-such-program-anywhere 2>&-",
                                "(exit 5)", "exec 2>&-; )", ""})
        expect_same([=] { return std::system(command); }, command);
    expect_same([] { return std::system(unforeseen<const char*>(nullptr)); }, "no command");
    EXPECT_EQ(on_fiber([] { return std::system("exit 3"); }), (observed{3 << 8, 0}));
    EXPECT_EQ(on_fiber([] { return std::system(unforeseen<const char*>(nullptr)); }),
              (observed{1, 0}));
}

TEST(system, suspends_only_the_fiber_and_several_at_once_share_the_signals) {
    std::signal(SIGINT, [](int) {});
    const auto before = disposition(SIGINT);
    const auto quit_before = disposition(SIGQUIT);
    brio::run([&] {
        const held_shell first;
        const held_shell second;
        auto one = brio::create_task([&] { return std::system(first.command().c_str()); });
        auto other = brio::create_task([&] { return std::system(second.command().c_str()); });
        first.wait_until_it_runs();
        second.wait_until_it_runs();
        EXPECT_EQ(disposition(SIGINT), SIG_IGN);
        EXPECT_EQ(disposition(SIGQUIT), SIG_IGN);
        EXPECT_TRUE(is_blocked(SIGCHLD));
        first.let_go();
        EXPECT_EQ(one.await(), 7 << 8);
        EXPECT_FALSE(other.done());
        EXPECT_EQ(disposition(SIGINT), SIG_IGN);
        EXPECT_TRUE(is_blocked(SIGCHLD));
        second.let_go();
        EXPECT_EQ(other.await(), 7 << 8);
        EXPECT_EQ(disposition(SIGINT), before);
        EXPECT_EQ(disposition(SIGQUIT), quit_before);
        EXPECT_FALSE(is_blocked(SIGCHLD));
    });
    std::signal(SIGINT, SIG_DFL);
}

TEST(system, on_a_thread_and_on_a_fiber_share_the_signals) {
    std::signal(SIGQUIT, [](int) {});
    const auto before = disposition(SIGQUIT);
    const held_shell first;
    const held_shell second;
    std::thread plain([&] { EXPECT_EQ(std::system(first.command().c_str()), 7 << 8); });
    first.wait_until_it_runs();
    brio::run([&] {
        auto one = brio::create_task([&] { return std::system(second.command().c_str()); });
        second.wait_until_it_runs();
        first.let_go();
        plain.join();
        EXPECT_EQ(disposition(SIGQUIT), SIG_IGN);
        second.let_go();
        EXPECT_EQ(one.await(), 7 << 8);
    });
    EXPECT_EQ(disposition(SIGQUIT), before);
    std::signal(SIGQUIT, SIG_DFL);
}

TEST(system, leaves_a_blocked_sigchld_blocked) {
    sigset_t set;
    sigset_t old;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGCHLD);
    ::pthread_sigmask(SIG_BLOCK, &set, &old);
    EXPECT_EQ(on_fiber([] { return std::system("exit 0"); }), (observed{0, 0}));
    EXPECT_TRUE(is_blocked(SIGCHLD));
    ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

TEST(system, the_shell_has_the_signals_as_the_caller_had_them) {
    // The words are the masks of blocked and of ignored signals.
    const char* const masks = "grep -E 'Sig(Blk|Ign)' /proc/self/status >&2";
    const auto seen = [&] {
        ::testing::internal::CaptureStderr();
        EXPECT_EQ(std::system(masks), 0);
        return ::testing::internal::GetCapturedStderr();
    };
    for (const auto handler : {SIG_DFL, SIG_IGN}) {
        std::signal(SIGINT, handler);
        std::string there;
        std::thread([&] {
            const std::string text = seen();
            there = text;
        }).join();
        brio::run([&] {
            const held_shell other;
            auto first = brio::create_task([&] { return std::system(other.command().c_str()); });
            other.wait_until_it_runs();
            EXPECT_EQ(seen(), there);
            other.let_go();
            first.await();
        });
        EXPECT_THAT(there, testing::ContainsRegex(handler == SIG_IGN ? "SigIgn:.*[2367abef]\n"
                                                                     : "SigIgn:.*[014589cd]\n"));
    }
    std::signal(SIGINT, SIG_DFL);
}

TEST(system, a_cancelled_one_kills_its_shell) {
    const held_shell shell;
    brio::run([&] {
        auto task = brio::create_task([&] {
            EXPECT_EQ(observe([&] { return std::system(shell.command().c_str()); }),
                      (observed{-1, ECANCELED}));
        });
        shell.wait_until_it_runs();
        EXPECT_TRUE(has_children());
        task.cancel();
        EXPECT_THROW(task.await(), brio::cancelled_error);
    });
    EXPECT_FALSE(has_children());
    EXPECT_EQ(disposition(SIGINT), SIG_DFL);
    EXPECT_FALSE(is_blocked(SIGCHLD));
}

TEST(system, a_thread_that_is_cancelled_in_it_kills_its_shell) {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "the sanitizer does not follow pthread_cancel through a stack";
#endif
    const held_shell shell;
    std::string command = shell.command();
    pthread_t thread;
    ASSERT_EQ(::pthread_create(
                  &thread, nullptr,
                  [](void* text) -> void* {
                      return reinterpret_cast<void*>(
                          static_cast<long>(std::system(static_cast<const char*>(text))));
                  },
                  command.data()),
              0);
    shell.wait_until_it_runs();
    ::pthread_cancel(thread);
    void* result = nullptr;
    ::pthread_join(thread, &result);
    EXPECT_EQ(result, PTHREAD_CANCELED);
    EXPECT_FALSE(has_children());
    EXPECT_EQ(disposition(SIGINT), SIG_DFL);
}

TEST(popen, reads_and_writes_and_tells_the_status) {
    const auto read = [] {
        std::FILE* const stream = ::popen("echo hello; exit 3", "r");
        EXPECT_EQ(read_all(stream), "hello\n");
        return ::pclose(stream);
    };
    expect_same(read, "reading");
    EXPECT_EQ(on_fiber(read), (observed{3 << 8, 0}));
    const two_ends pipe = make_pipe();
    const auto write = [&] {
        const std::string command = "cat >/dev/fd/" + std::to_string(pipe.second);
        std::FILE* const stream = ::popen(command.c_str(), "w");
        EXPECT_GE(std::fputs("hello", stream), 0);
        const int status = ::pclose(stream);
        char text[6] = {};
        EXPECT_EQ(::read(pipe.first, text, 5), 5);
        EXPECT_STREQ(text, "hello");
        return status;
    };
    expect_same(write, "writing");
}

TEST(popen, refuses_wrong_modes_as_libc_does) {
    for (const char* mode : {"", "rw", "x", "e", "rx", "r+"})
        expect_same([=] { return ::popen("exit 0", mode) == nullptr ? -1 : 0; }, mode);
    for (const char* mode : {"re", "er", "rr", "we", "ww"}) {
        std::FILE* const stream = ::popen("exit 0", mode);
        ASSERT_NE(stream, nullptr) << mode;
        EXPECT_EQ(::pclose(stream), 0);
    }
}

TEST(popen, e_keeps_the_stream_from_programs) {
    for (const bool keeps : {false, true}) {
        std::FILE* const stream = ::popen("exit 0", keeps ? "re" : "r");
        EXPECT_EQ(::fcntl(::fileno(stream), F_GETFD), keeps ? FD_CLOEXEC : 0);
        ::pclose(stream);
    }
}

TEST(popen, a_later_shell_does_not_hold_an_earlier_stream) {
    const auto first_ends = [] {
        std::FILE* const first = ::popen("cat", "w");
        std::FILE* const second = ::popen("cat", "w");
        const int status = ::pclose(first);  // would wait for ever for a second writer
        return status == 0 ? ::pclose(second) : -2;
    };
    expect_same(first_ends, "two streams");
    EXPECT_EQ(on_fiber(first_ends), (observed{0, 0}));
}

TEST(popen, a_stream_may_be_closed_by_somebody_else) {
    std::FILE* stream = nullptr;
    std::thread([&] { stream = ::popen("exit 4", "r"); }).join();
    EXPECT_EQ(on_fiber([&] { return ::pclose(stream); }), (observed{4 << 8, 0}));
    stream = brio::run([] { return ::popen("exit 4", "r"); });
    EXPECT_EQ(on_thread([&] { return ::pclose(stream); }), (observed{4 << 8, 0}));
}

TEST(popen, pclose_of_another_stream_is_libcs) {
    expect_same([] { return ::pclose(unforeseen(std::fopen("/dev/null", "r"))); }, "a file");
}

TEST(popen, pclose_finds_out_that_somebody_else_has_waited) {
    expect_same(
        [] {
            std::FILE* const stream = ::popen("exit 4", "r");
            const brio::posix::passthrough_scope blocking;
            EXPECT_GT(::wait(nullptr), 0);
            return ::pclose(stream);
        },
        "waited for");
}

TEST(popen, several_streams_are_waited_for_at_once) {
    brio::run([] {
        const held_shell first;
        const held_shell second;
        std::FILE* const one = ::popen(first.command("exit 1").c_str(), "r");
        std::FILE* const other = ::popen(second.command("exit 2").c_str(), "r");
        auto closing = brio::create_task([&] { return ::pclose(one); });
        auto closing_other = brio::create_task([&] { return ::pclose(other); });
        second.wait_until_it_runs();
        second.let_go();
        EXPECT_EQ(closing_other.await(), 2 << 8);
        EXPECT_FALSE(closing.done());
        first.let_go();
        EXPECT_EQ(closing.await(), 1 << 8);
    });
}

TEST(popen, leaks_no_descriptors) {
    brio::run([] {
        ::pclose(::popen("exit 0", "r"));
        brio::sleep(1ms);  // the loop has made its reactor, which has descriptors
        const std::size_t before = open_descriptors();
        ::pclose(::popen("exit 0", "w"));
        EXPECT_EQ(std::system("exit 0"), 0);
        EXPECT_EQ(open_descriptors(), before);
    });
}
