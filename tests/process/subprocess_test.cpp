// Processes and their streams, as a user of asyncio knows them.

#include "context/file_limit.hpp"
#include "process/children.hpp"

#include <brio/subprocess.hpp>

#include <algorithm>
#include <csignal>
#include <functional>
#include <gmock/gmock.h>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace {

using namespace brio::testing_process;
using brio::create_subprocess_exec;
using brio::create_subprocess_shell;
using brio::subprocess::process;
using ::testing::HasSubstr;
namespace subprocess = brio::subprocess;

const subprocess::options all_pipes{
    .stdin = subprocess::pipe, .stdout = subprocess::pipe, .stderr = subprocess::pipe};

std::string text_of(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
    return text;
}
constexpr std::size_t much = 4 << 20;

/// Until the child has stopped itself.
void wait_until_stopped(const process& p) {
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(p.pid()), &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0)
        brio::yield();
}

/// Lets `t` go on for a while; then it is cancelled, or has ended.
template <class T>
void cancel_after(const brio::task<T>& t, int turns) {
    for (int i = 0; i < turns && !t.done(); ++i) brio::yield();
    t.cancel();
}

}  // namespace

// ------------------------------------------------------------------------------------- the streams

TEST_F(processes, are_talked_to_line_by_line) {
    brio::run([] {
        process p =
            create_subprocess_shell("while read x; do echo \"<$x>\"; done; exit 3",
                                    {.stdin = subprocess::pipe, .stdout = subprocess::pipe});
        EXPECT_FALSE(p.stderr);
        for (const std::string word : {"one", "two"}) {
            p.stdin->write(word + "\n");
            p.stdin->drain();
            EXPECT_EQ(p.stdout->readline(), "<" + word + ">\n");
        }
        EXPECT_EQ(p.returncode(), std::nullopt);
        p.stdin->close();
        EXPECT_EQ(p.stdout->readline(), "");
        EXPECT_EQ(p.wait(), 3);
        EXPECT_EQ(p.returncode(), 3);
    });
}

TEST_F(processes, have_streams_only_where_there_are_pipes) {
    brio::run([] {
        process p = create_subprocess_exec({"true"});
        EXPECT_FALSE(p.stdin || p.stdout || p.stderr);
        EXPECT_EQ(p.wait(), 0);
        process q = create_subprocess_exec({"true"}, all_pipes);
        EXPECT_TRUE(q.stdin && q.stdout && q.stderr);
        EXPECT_EQ(q.wait(), 0);
    });
}

TEST_F(processes, limit_the_length_of_a_line) {
    brio::run([] {
        process p =
            create_subprocess_exec({"echo", "123456789"}, {.stdout = subprocess::pipe, .limit = 4});
        EXPECT_THROW(static_cast<void>(p.stdout->readline()), brio::limit_overrun_error);
        p.wait();
    });
}

TEST_F(processes, get_words_as_they_are_or_by_way_of_a_shell) {
    brio::run([] {
        const std::string odd = "a  'b' \"c\" $HOME `d` \\ *;\n&";
        auto [exact, none] =
            create_subprocess_exec({"printf", "%s", odd}, {.stdout = subprocess::pipe})
                .communicate();
        EXPECT_EQ(exact, odd);
        EXPECT_EQ(none, "");
        auto shell = create_subprocess_shell("x='a  b'; printf '%s|' $x \"$x\" '$x'; exit 4",
                                             {.stdout = subprocess::pipe});
        EXPECT_EQ(shell.communicate().stdout, "a|b|a  b|$x|");
        EXPECT_EQ(shell.returncode(), 4);
    });
}

// ------------------------------------------------------------------------------------- communicate

TEST_F(processes, take_input_and_give_output_and_errors) {
    brio::run([] {
        process p = create_subprocess_shell("cat; echo error >&2; exit 2", all_pipes);
        auto [out, err] = p.communicate("input");
        EXPECT_EQ(out, "input");
        EXPECT_EQ(err, "error\n");
        EXPECT_EQ(p.returncode(), 2);
        auto [nothing, more] = p.communicate();
        EXPECT_EQ(nothing + more, "");
    });
}

TEST_F(processes, carry_much_all_ways_without_a_deadlock) {
    brio::run([] {
        const std::string text = text_of(much);
        process p = create_subprocess_exec({"tee", "/dev/stderr"}, all_pipes);
        auto [out, err] = p.communicate(text);
        EXPECT_TRUE(out == text) << out.size();
        EXPECT_TRUE(err == text) << err.size();
    });
}

TEST_F(processes, need_not_read_their_input) {
    brio::run([] {
        const std::string text = text_of(much);
        EXPECT_EQ(
            create_subprocess_exec({"true"}, {.stdin = subprocess::pipe}).communicate(text).stdout,
            "");
        process head = create_subprocess_exec({"head", "-c", "3"}, all_pipes);
        EXPECT_EQ(head.communicate(text).stdout, text.substr(0, 3));
        EXPECT_EQ(head.returncode(), 0);
        process closes = create_subprocess_shell("exec 0<&-; echo closed; exit 1", all_pipes);
        EXPECT_EQ(closes.communicate(text).stdout, "closed\n");
        EXPECT_EQ(closes.returncode(), 1);
    });
}

TEST_F(processes, may_close_their_output_long_before_they_end) {
    brio::run([] {
        process p = create_subprocess_shell("exec >&- 2>&-; read x; exit 5", all_pipes);
        EXPECT_EQ(p.stdout->read(), "");
        EXPECT_EQ(p.stderr->read(), "");
        EXPECT_EQ(p.returncode(), std::nullopt);
        p.communicate("x\n");
        EXPECT_EQ(p.returncode(), 5);
    });
}

TEST_F(processes, with_input_but_no_pipe_for_it_are_an_error) {
    brio::run([] {
        process p = create_subprocess_exec({"echo", "x"}, {.stdout = subprocess::pipe});
        try {
            p.communicate("input");
            FAIL();
        } catch (const brio::usage_error& e) {
            EXPECT_STREQ(e.what(), "process::communicate: there is input, but stdin is not a pipe");
        }
        EXPECT_EQ(p.communicate().stdout, "x\n");
    });
}

TEST_F(processes, communicate_by_the_hundred_at_once) {
    const file_limit enough(4096);
    brio::run([] {
        std::vector<brio::task<std::size_t>> all;
        for (std::size_t i = 0; i < 200; ++i)
            all.push_back(brio::create_task([i] {
                const std::string text = text_of(1000 * i);
                process p = create_subprocess_exec(
                    {"cat"}, {.stdin = subprocess::pipe, .stdout = subprocess::pipe});
                return p.communicate(text).stdout == text ? i : 0;
            }));
        for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(all[i].await(), i);
    });
}

// -------------------------------------------------------------------------------- ends and signals

TEST_F(processes, are_waited_for_without_those_who_have_inherited_their_pipes) {
    brio::run([] {
        process p = create_subprocess_shell("sleep 1000 & exit 5",
                                            {.stdout = subprocess::pipe, .process_group = 0});
        EXPECT_EQ(p.wait(), 5);
        ::kill(-p.pid(), SIGKILL);
        EXPECT_EQ(p.stdout->read(), "");
    });
}

TEST_F(processes, are_terminated_and_killed) {
    brio::run([] {
        using call = void (process::*)();
        for (const auto& [end, number] : {std::pair<call, int>{&process::terminate, SIGTERM},
                                          std::pair<call, int>{&process::kill, SIGKILL}}) {
            process p = create_subprocess_exec({"sleep", "1000"});
            (p.*end)();
            EXPECT_EQ(p.wait(), -number);
            EXPECT_THROW((p.*end)(), std::system_error);
        }
        process p = create_subprocess_exec({"sleep", "1000"});
        p.send_signal(SIGINT);
        EXPECT_EQ(p.wait(), -SIGINT);
    });
}

TEST_F(processes, dropped_while_they_run_find_the_end_of_their_input) {
    brio::run([] {
        static_cast<void>(create_subprocess_exec({"cat"}, all_pipes));
        while (has_children()) brio::yield();
    });
}

TEST_F(processes, dropped_in_the_middle_of_everything_are_killed_with_the_loop) {
    brio::run([] {
        process p = create_subprocess_shell(
            "trap '' HUP TERM PIPE; while :; do echo x; done",
            {.stdin = subprocess::pipe, .stdout = subprocess::pipe, .stderr = subprocess::devnull});
        p.stdin->write(text_of(much));
        EXPECT_EQ(p.stdout->readline(), "x\n");
    });
}

TEST_F(processes, move_with_their_streams) {
    brio::run([] {
        process p = create_subprocess_exec({"cat"},
                                           {.stdin = subprocess::pipe, .stdout = subprocess::pipe});
        process q = std::move(p);
        const std::vector<std::pair<const char*, std::function<void()>>> calls = {
            {"pid", [&] { static_cast<void>(p.pid()); }},
            {"returncode", [&] { static_cast<void>(p.returncode()); }},
            {"wait", [&] { p.wait(); }},
            {"communicate", [&] { p.communicate(); }},
            {"send_signal", [&] { p.send_signal(SIGTERM); }},
            {"terminate", [&] { p.terminate(); }},
            {"kill", [&] { p.kill(); }},
        };
        for (const auto& [name, call] : calls) {
            try {
                call();
                FAIL() << name;
            } catch (const brio::usage_error& e) {
                EXPECT_EQ(e.what(),
                          "process::" + std::string(name) + ": it is closed, or was moved from");
            }
        }
        p = std::move(q);
        EXPECT_EQ(p.communicate("x").stdout, "x");
    });
}

TEST_F(processes, that_cannot_start_leave_no_pipes) {
    brio::run([] {
        EXPECT_THROW(static_cast<void>(create_subprocess_exec({"no-such-program"}, all_pipes)),
                     std::system_error);
        EXPECT_THROW(static_cast<void>(create_subprocess_exec({}, all_pipes)),
                     std::invalid_argument);
        EXPECT_THROW(static_cast<void>(create_subprocess_exec(
                         {"true"}, {.stdout = subprocess::pipe, .limit = 0})),
                     std::invalid_argument);
        EXPECT_EQ(
            create_subprocess_shell("no-such-program 2>&1", {.stdout = subprocess::pipe}).wait(),
            127);
    });
}

// ------------------------------------------------------------------------------------ cancellation

TEST_F(processes, are_not_started_by_a_cancelled_task) {
    brio::run([] {
        bool started = false;
        auto t = brio::create_task([&] {
            brio::current_task().cancel();
            static_cast<void>(create_subprocess_exec({"sleep", "1000"}, all_pipes));
            started = true;
        });
        EXPECT_THROW(t.await(), brio::cancelled_error);
        EXPECT_FALSE(started);
        EXPECT_FALSE(has_children());
    });
}

TEST_F(processes, keep_what_they_said_before_a_communicate_was_cancelled) {
    brio::run([] {
        process p =
            create_subprocess_shell("cat; echo error >&2; kill -STOP $$; echo after", all_pipes);
        auto t = brio::create_task([&] { return p.communicate("before "); });
        brio::yield();
        wait_until_stopped(p);
        for (int i = 0; i < 3; ++i) brio::yield();
        t.cancel();
        EXPECT_THROW(t.await(), brio::cancelled_error);
        EXPECT_THROW(brio::timeout(1ms, [&] { p.communicate(); }), brio::timeout_error);
        p.send_signal(SIGCONT);
        auto [out, err] = p.communicate();
        EXPECT_EQ(out, "before after\n");
        EXPECT_EQ(err, "error\n");
        EXPECT_EQ(p.returncode(), 0);
    });
}

TEST_F(processes, lose_nothing_whenever_a_communicate_is_cancelled) {
    brio::run([] {
        const std::string text = text_of(300'000);
        for (int turns = 0; turns < 60; ++turns) {
            process p = create_subprocess_exec({"tee", "/dev/stderr"}, all_pipes);
            auto t = brio::create_task([&] { return p.communicate(text); });
            cancel_after(t, turns * turns);
            std::optional<process::output> seen;
            try {
                seen = t.await();
            } catch (const brio::cancelled_error&) {
                // Before its first turn the task had not given the input.
                seen = turns == 0 ? p.communicate(text) : p.communicate();
            }
            ASSERT_TRUE(seen->stdout == text) << turns << ": " << seen->stdout.size();
            ASSERT_TRUE(seen->stderr == text) << turns << ": " << seen->stderr.size();
            ASSERT_EQ(p.returncode(), 0);
        }
    });
}

TEST_F(processes, go_on_when_a_read_or_a_drain_is_cancelled) {
    brio::run([] {
        process p = create_subprocess_shell(
            "kill -STOP $$; cat", {.stdin = subprocess::pipe, .stdout = subprocess::pipe});
        const std::string text = text_of(much);
        p.stdin->write(text);
        wait_until_stopped(p);
        EXPECT_THROW(brio::timeout(1ms, [&] { p.stdin->drain(); }), brio::timeout_error);
        EXPECT_THROW(brio::timeout(1ms, [&] { static_cast<void>(p.stdout->read()); }),
                     brio::timeout_error);
        p.send_signal(SIGCONT);
        EXPECT_TRUE(p.communicate().stdout == text);
    });
}

TEST_F(processes, can_be_killed_by_the_task_that_is_cancelled) {
    brio::run([] {
        std::optional<int> ended;
        auto t = brio::create_task([&] {
            process p = create_subprocess_exec({"sleep", "1000"}, all_pipes);
            try {
                p.communicate();
            } catch (...) {
                if (!p.returncode()) p.kill();
                ended = brio::shielded([&] { return p.wait(); });
                throw;
            }
        });
        brio::yield();
        t.cancel();
        EXPECT_THROW(t.await(), brio::cancelled_error);
        EXPECT_EQ(ended, -SIGKILL);
    });
}
