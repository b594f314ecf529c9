// Starting and waiting, below the streams: what the child gets, what becomes of it, and that nothing
// of it is left.

#include "process/child.hpp"

#include "ops/ops.hpp"
#include "process/children.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <optional>
#include <set>
#include <sstream>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace {

using namespace brio::testing_process;
using brio::detail::child;
using ::testing::HasSubstr;
namespace ops = brio::detail::ops;
namespace subprocess = brio::subprocess;

struct started {
    int wait() const { return process->wait(); }
    void kill() const { process->send_signal(SIGKILL); }
    child::handle process;
    std::array<brio::io::descriptor, 3> ours;
};

started start(const arguments& args, const subprocess::options& how = {}) {
    brio::detail::standard_streams streams(how);
    auto process = child::start(args, how, streams);
    return {std::move(process), std::move(streams.ours)};
}

std::string read_some(const brio::io::descriptor& fd) {
    std::array<char, 4096> part;
    const ssize_t n = ops::read(fd.get(), part.data(), part.size());
    if (n < 0) throw std::system_error(static_cast<int>(-n), std::system_category());
    return {part.data(), static_cast<std::size_t>(n)};
}

std::string read_all(const brio::io::descriptor& fd) {
    std::string all;
    for (;;) {
        const std::string part = read_some(fd);
        if (part.empty()) return all;
        all += part;
    }
}

/// What it writes to stdout. It has to end well.
std::string output_of(const arguments& args, subprocess::options how = {}) {
    how.stdout = subprocess::pipe;
    const started s = start(args, how);
    std::string all = read_all(s.ours[1]);
    EXPECT_EQ(s.wait(), 0);
    return all;
}

std::error_code error_of(const arguments& args, const subprocess::options& how = {}) {
    try {
        start(args, how).wait();
    } catch (const std::system_error& e) {
        EXPECT_THAT(e.what(), HasSubstr(args[0]));
        return e.code();
    }
    return {};
}

class temporary_folder {
public:
    temporary_folder() {
        char name[] = "/tmp/brio-process-XXXXXX";
        path = ::mkdtemp(name);
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder() { std::filesystem::remove_all(path); }
    std::string add(const std::string& name, const std::string& text, mode_t mode) const {
        const std::string file = path + "/" + name;
        const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, mode);
        EXPECT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
        ::close(fd);
        return file;
    }
    std::string path;
};

std::vector<std::string> reports;
void collect_reports() {
    reports.clear();
    brio::get_running_loop().set_exception_handler(
        [](const brio::exception_report& r) { reports.emplace_back(r.message); });
}

}  // namespace

// ------------------------------------------------------------------------------- exit and signals

TEST_F(processes, give_their_exit_status_as_returncode) {
    brio::run([] {
        EXPECT_EQ(start({"true"}).wait(), 0);
        EXPECT_EQ(start({"false"}).wait(), 1);
        EXPECT_EQ(start(shell("exit 42")).wait(), 42);
    });
}

TEST_F(processes, that_a_signal_ends_give_its_negative_number) {
    brio::run([] {
        for (const int number : {SIGTERM, SIGKILL, SIGHUP}) {
            const started s = start({"sleep", "1000"});
            EXPECT_EQ(s.process->returncode(), std::nullopt);
            s.process->send_signal(number);
            EXPECT_EQ(s.wait(), -number);
            EXPECT_EQ(s.process->returncode(), -number);
        }
    });
}

TEST_F(processes, that_ignore_SIGTERM_go_on_until_they_are_killed) {
    brio::run([] {
        const started s = start(shell("trap '' TERM; while echo on; do read line; done"),
                                {.stdin = subprocess::pipe, .stdout = subprocess::pipe});
        EXPECT_EQ(read_some(s.ours[1]), "on\n");
        s.process->send_signal(SIGTERM);
        EXPECT_EQ(ops::write(s.ours[0].get(), "\n", 1), 1);
        EXPECT_EQ(read_some(s.ours[1]), "on\n");
        s.kill();
        EXPECT_EQ(s.wait(), -SIGKILL);
    });
}

TEST_F(processes, can_be_waited_for_by_many_and_again) {
    brio::run([] {
        const started s = start({"sleep", "1000"});
        auto first = brio::create_task([&] { return s.wait(); });
        auto second = brio::create_task([&] { return s.wait(); });
        brio::yield();
        s.kill();
        EXPECT_EQ(first.await(), -SIGKILL);
        EXPECT_EQ(second.await(), -SIGKILL);
        EXPECT_EQ(s.wait(), -SIGKILL);
    });
}

TEST_F(processes, that_have_ended_take_no_signal) {
    brio::run([] {
        const started s = start({"true"});
        s.wait();
        try {
            s.kill();
            FAIL() << "there is nobody to kill";
        } catch (const std::system_error& e) {
            EXPECT_EQ(e.code(), std::errc::no_such_process);
            EXPECT_THAT(e.what(),
                        HasSubstr("signal to process " + std::to_string(s.process->pid())));
        }
    });
}

TEST_F(processes, refuse_a_number_that_is_no_signal) {
    brio::run([] {
        const started s = start({"sleep", "1000"});
        EXPECT_THROW(s.process->send_signal(-3), std::system_error);
        s.kill();
        s.wait();
    });
}

TEST_F(processes, run_by_the_hundred_at_once) {
    brio::run([] {
        std::vector<started> all;
        for (int i = 0; i < 200; ++i)
            all.push_back(
                start(shell("read x; exit " + std::to_string(i)), {.stdin = subprocess::pipe}));
        for (started& s : all) s.ours[0].close();
        for (int i = 0; i < 200; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)].wait(), i);
    });
}

// ---------------------------------------------------------------------- what the child begins with

TEST_F(processes, get_our_environment_or_the_one_they_are_given) {
    ::setenv("BRIO_TEST_OWN", "own", 1);
    brio::run([] {
        const arguments print = shell("echo \"$BRIO_TEST_OWN,$GIVEN\"");
        EXPECT_EQ(output_of(print), "own,\n");
        EXPECT_EQ(output_of(print, {.env = subprocess::environment{{"GIVEN", "a=b c"}}}),
                  ",a=b c\n");
        subprocess::environment both = subprocess::current_environment();
        both["GIVEN"] = "too";
        EXPECT_EQ(output_of(print, {.env = both}), "own,too\n");
        EXPECT_EQ(output_of({"/usr/bin/env"}, {.env = subprocess::environment{}}), "");
    });
    ::unsetenv("BRIO_TEST_OWN");
}

TEST_F(processes, run_in_the_directory_they_are_given) {
    const temporary_folder folder;
    folder.add("here", "#!/bin/sh\npwd\n", 0755);
    brio::run([&] {
        EXPECT_EQ(output_of({"pwd"}, {.cwd = folder.path}), folder.path + "\n");
        EXPECT_EQ(output_of({"./here"}, {.cwd = folder.path}), folder.path + "\n");
        const subprocess::environment path{{"PATH", "nowhere::/bin:/usr/bin"}};
        EXPECT_EQ(output_of({"here"}, {.env = path, .cwd = folder.path}), folder.path + "\n");
    });
}

TEST_F(processes, are_found_by_the_path_that_they_will_have) {
    const temporary_folder empty;
    const temporary_folder full;
    std::filesystem::create_directory(empty.path + "/tool");
    full.add("tool", "#!/bin/sh\necho found\n", 0755);
    brio::run([&] {
        const std::string path = empty.path + ":" + full.path;
        EXPECT_EQ(output_of({"tool"}, {.env = subprocess::environment{{"PATH", path}}}), "found\n");
        EXPECT_EQ(output_of({"echo", "x"}, {.env = subprocess::environment{}}), "x\n");
        EXPECT_EQ(error_of({"tool"}), std::errc::no_such_file_or_directory);
    });
}

TEST_F(processes, may_have_another_name_than_their_file) {
    brio::run([] {
        EXPECT_EQ(output_of({"a-name", "-c", "echo $0"}, {.executable = "/bin/sh"}), "a-name\n");
    });
}

TEST_F(processes, can_lead_a_session_or_a_group) {
    brio::run([] {
        // pid, group and session of the shell itself
        const arguments print = shell("cut -d' ' -f1,5,6 /proc/$$/stat");
        const auto numbers = [](const std::string& text) {
            std::array<int, 3> all{};
            std::sscanf(text.c_str(), "%d %d %d", &all[0], &all[1], &all[2]);
            return all;
        };
        const auto plain = numbers(output_of(print));
        EXPECT_EQ(plain[1], ::getpgrp());
        const auto session = numbers(output_of(print, {.start_new_session = true}));
        EXPECT_EQ(session[1], session[0]);
        EXPECT_EQ(session[2], session[0]);
        const auto group = numbers(output_of(print, {.process_group = 0}));
        EXPECT_EQ(group[1], group[0]);
        EXPECT_EQ(group[2], ::getsid(0));
    });
}

TEST_F(processes, begin_with_no_signal_blocked_and_with_SIGPIPE_at_its_default) {
    sigset_t some;
    sigset_t before;
    ::sigemptyset(&some);
    ::sigaddset(&some, SIGUSR1);
    ::sigaddset(&some, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &some, &before);
    const auto old = ::signal(SIGPIPE, SIG_IGN);
    const auto old_hup = ::signal(SIGHUP, SIG_IGN);
    brio::run([] {
        const std::string status = output_of({"cat", "/proc/self/status"});
        EXPECT_THAT(status, HasSubstr("SigBlk:\t0000000000000000"));
        const std::string ignored = status.substr(status.find("SigIgn:\t") + 8, 16);
        const auto mask = std::stoull(ignored, nullptr, 16);
        EXPECT_EQ(mask & (1U << (SIGPIPE - 1)), 0U);
        EXPECT_NE(mask & (1U << (SIGHUP - 1)), 0U) << "nohup must work";
    });
    ::signal(SIGHUP, old_hup);
    ::signal(SIGPIPE, old);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// ------------------------------------------------------------------------------------ descriptors

TEST_F(processes, get_no_descriptors_but_those_passed_on) {
    const int leaky = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC
    const int passed = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int high = ::fcntl(passed, F_DUPFD_CLOEXEC, 40);
    brio::run([&] {
        const std::string script =
            "cd /proc/$$/fd; for f in *; do [ -e $f ] && echo -n \"$f \"; done; true";
        const auto listed = [&](const subprocess::options& how) {
            std::istringstream words(output_of(shell(script), how));
            std::set<int> numbers;
            for (int fd = 0; words >> fd;) numbers.insert(fd);
            return numbers;
        };
        EXPECT_EQ(listed({}), (std::set{0, 1, 2}));
        EXPECT_EQ(listed({.pass_fds = {high, passed}}), (std::set{0, 1, 2, passed, high}));
        EXPECT_TRUE(listed({.close_fds = false}).contains(leaky));
        EXPECT_EQ(error_of({"true"}, {.pass_fds = {high + 1}}), std::errc::bad_file_descriptor);
    });
    for (const int fd : {leaky, passed, high}) ::close(fd);
}

TEST_F(processes, have_their_streams_where_they_are_led) {
    const temporary_folder folder;
    const std::string in = folder.add("in", "text\n", 0600);
    const brio::io::descriptor from(::open(in.c_str(), O_RDONLY | O_CLOEXEC));
    const brio::io::descriptor to(
        ::open((folder.path + "/out").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    brio::run([&] {
        EXPECT_EQ(output_of({"cat"}, {.stdin = from.get()}), "text\n");
        EXPECT_EQ(output_of({"cat"}, {.stdin = subprocess::devnull}), "");
        EXPECT_EQ(start({"echo", "x"}, {.stdout = to.get()}).wait(), 0);
        EXPECT_EQ(start(shell("echo y >&2"), {.stderr = to.get()}).wait(), 0);
        EXPECT_EQ(start(shell("echo z; echo z >&2"),
                        {.stdout = subprocess::devnull, .stderr = subprocess::stdout})
                      .wait(),
                  0);
        EXPECT_EQ(read_all(to), "");  // the position is shared, and at the end
        ::lseek(to.get(), 0, SEEK_SET);
        EXPECT_EQ(read_all(to), "x\ny\n");

        const started s = start(shell("echo out; echo error >&2"),
                                {.stdout = subprocess::pipe, .stderr = subprocess::pipe});
        EXPECT_EQ(read_all(s.ours[1]), "out\n");
        EXPECT_EQ(read_all(s.ours[2]), "error\n");
        s.wait();
    });
}

TEST_F(processes, keep_the_order_of_what_goes_to_stdout_by_two_ways) {
    brio::run([] {
        EXPECT_EQ(output_of(shell("echo 1; echo 2 >&2; echo 3; echo 4 >&2"),
                            {.stderr = subprocess::stdout}),
                  "1\n2\n3\n4\n");
    });
}

TEST_F(processes, take_each_of_our_own_streams_for_another_of_theirs) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const int saved = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
    brio::run([] {
        // stdout and stderr change places
        const started s = start(shell("echo out; echo error >&2"),
                                {.stdout = STDERR_FILENO, .stderr = subprocess::devnull});
        EXPECT_EQ(s.wait(), 0);
    });
    ::dup2(saved, STDERR_FILENO);
    ::close(saved);
    std::array<char, 16> seen{};
    EXPECT_EQ(::read(ends[0], seen.data(), seen.size()), 4);
    EXPECT_STREQ(seen.data(), "out\n");
    ::close(ends[0]);
}

TEST_F(processes, start_where_we_have_no_stdin_ourselves) {
    const int saved = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
    ::close(STDIN_FILENO);
    brio::run([] {
        EXPECT_EQ(output_of({"echo", "x"}), "x\n");
        const started s = start({"cat"}, {.stdin = subprocess::pipe, .stdout = subprocess::pipe});
        EXPECT_EQ(ops::write(s.ours[0].get(), "y", 1), 1);
        EXPECT_EQ(read_some(s.ours[1]), "y");
        s.kill();
        s.wait();
    });
    ::dup2(saved, STDIN_FILENO);
    ::close(saved);
}

// ----------------------------------------------------------------------------------------- refusal

TEST_F(processes, that_cannot_start_are_errors_that_name_the_program) {
    const temporary_folder folder;
    const std::string plain = folder.add("plain", "#!/bin/sh\n", 0644);
    const std::string no_format = folder.add("no-format", "echo x\n", 0755);
    const std::string no_interpreter = folder.add("no-interpreter", "#!/no/such\n", 0755);
    brio::run([&] {
        EXPECT_EQ(error_of({"no-such-program"}), std::errc::no_such_file_or_directory);
        EXPECT_EQ(error_of({"/no/such/program"}), std::errc::no_such_file_or_directory);
        EXPECT_EQ(error_of({plain}), std::errc::permission_denied);
        EXPECT_EQ(error_of({"plain"}, {.env = subprocess::environment{{"PATH", folder.path}}}),
                  std::errc::permission_denied);
        EXPECT_EQ(error_of({folder.path}), std::errc::permission_denied);
        EXPECT_EQ(error_of({no_format}), std::errc::executable_format_error);
        EXPECT_EQ(error_of({no_interpreter}), std::errc::no_such_file_or_directory);
        try {
            start({"true"}, {.cwd = "/no/such/folder"});
            FAIL();
        } catch (const std::system_error& e) {
            EXPECT_THAT(e.what(), HasSubstr("chdir /no/such/folder"));
        }
    });
}

TEST_F(processes, that_make_no_sense_are_refused_before_anything_starts) {
    brio::run([] {
        const std::string zero("a\0b", 3);
        const auto text_of = [](const arguments& args, const subprocess::options& how) {
            try {
                start(args, how);
            } catch (const std::invalid_argument& e) {
                return std::string(e.what());
            }
            return std::string();
        };
        EXPECT_EQ(text_of({}, {}), "subprocess: there is no program to start");
        const std::string with_zero = "subprocess: an argument or a path has a 0 byte in it";
        EXPECT_EQ(text_of({"echo", zero}, {}), with_zero);
        EXPECT_EQ(text_of({"echo"}, {.cwd = zero}), with_zero);
        EXPECT_EQ(text_of({"echo"}, {.executable = zero}), with_zero);
        for (const auto& [name, value] :
             subprocess::environment{{"", ""}, {"a=b", ""}, {"a", zero}})
            EXPECT_EQ(text_of({"echo"}, {.env = subprocess::environment{{name, value}}}),
                      "subprocess: not an environment variable: " + name);
        EXPECT_EQ(text_of({"echo"}, {.stdout = subprocess::stdout}),
                  "subprocess: only stderr can go to stdout");
        try {
            start({"echo"}, {.stdout = 999});
            FAIL();
        } catch (const std::system_error& e) {
            EXPECT_THAT(e.what(), HasSubstr("dup of descriptor 999"));
        }
    });
}

TEST(processes_without_a_loop, are_refused) {
    EXPECT_THROW(start({"true"}), brio::usage_error);
    EXPECT_FALSE(has_children());
}

// ------------------------------------------------------------------------------------ cancellation

TEST_F(processes, go_on_when_a_wait_is_cancelled) {
    brio::run([] {
        const started s = start({"sleep", "1000"});
        auto waiting = brio::create_task([&] { return s.wait(); });
        waiting.cancel();  // before
        EXPECT_THROW(waiting.await(), brio::cancelled_error);
        waiting = brio::create_task([&] { return s.wait(); });
        brio::yield();
        waiting.cancel();  // during
        EXPECT_THROW(waiting.await(), brio::cancelled_error);
        EXPECT_THROW(brio::timeout(1ms, [&] { s.wait(); }), brio::timeout_error);
        EXPECT_EQ(s.process->returncode(), std::nullopt);
        s.kill();
        EXPECT_EQ(s.wait(), -SIGKILL);
    });
}

TEST_F(processes, lose_no_returncode_in_the_race_of_a_cancel_with_the_end) {
    brio::run([] {
        for (int turns = 0; turns < 40; ++turns) {
            const started s = start({"true"});
            auto waiting = brio::create_task([&] { return s.wait(); });
            for (int i = 0; i < turns * turns && !s.process->returncode(); ++i) brio::yield();
            waiting.cancel();
            try {
                EXPECT_EQ(waiting.await(), 0);
            } catch (const brio::cancelled_error&) {
            }
            EXPECT_EQ(s.wait(), 0);
        }
    });
}

// ---------------------------------------------------------------------------- what nobody waits for

TEST_F(processes, are_waited_for_by_the_loop_when_nobody_else_does) {
    brio::run([] {
        const started s = start({"true"});
        while (!s.process->returncode()) brio::yield();
        EXPECT_FALSE(has_children());
        static_cast<void>(start(shell("exit 3")));
        while (has_children()) brio::yield();
    });
}

TEST_F(processes, run_on_when_they_are_dropped) {
    brio::run([] {
        std::array<brio::io::descriptor, 3> ours;
        {
            started s = start(shell("read x; echo done"),
                              {.stdin = subprocess::pipe, .stdout = subprocess::pipe});
            ours = std::move(s.ours);
        }
        brio::yield();
        ours[0].close();
        EXPECT_EQ(read_all(ours[1]), "done\n");
        while (has_children()) brio::yield();
    });
}

TEST_F(processes, are_killed_when_the_loop_closes) {
    std::optional<started> kept;
    brio::run([&] {
        kept = start({"sleep", "1000"});
        static_cast<void>(start({"sleep", "1000"}));
    });
    EXPECT_FALSE(has_children());
    EXPECT_EQ(kept->process->returncode(), -SIGKILL);
    EXPECT_THROW(kept->kill(), std::system_error);
}

TEST_F(processes, that_end_unseen_before_the_loop_closes_keep_their_status) {
    std::optional<started> kept;
    brio::run([&] {
        kept = start(shell("exit 7"), {.stdout = subprocess::pipe});
        siginfo_t info;  // ends while the loop stands still: libc's waitid may suspend
        ASSERT_EQ(
            ::syscall(SYS_waitid, P_PID, kept->process->pid(), &info, WEXITED | WNOWAIT, nullptr),
            0);
    });
    EXPECT_EQ(kept->process->returncode(), 7);
    kept.reset();
}

TEST_F(processes, whose_status_somebody_else_takes_have_255) {
    brio::run([] {
        collect_reports();
        const started s = start({"true"});
        int status = 0;
        ASSERT_EQ(::syscall(SYS_wait4, s.process->pid(), &status, 0, nullptr), s.process->pid());
        EXPECT_EQ(s.wait(), 255);
        EXPECT_THAT(reports, ::testing::ElementsAre("somebody else has waited for a child process: "
                                                    "its returncode is not known"));
    });
}

TEST_F(processes, may_be_dropped_by_the_handler_that_is_told_so) {
    brio::run([] {
        std::optional<started> s = start({"true"});
        brio::get_running_loop().set_exception_handler(
            [&](const brio::exception_report&) { s.reset(); });
        int status = 0;
        ASSERT_EQ(::syscall(SYS_wait4, s->process->pid(), &status, 0, nullptr), s->process->pid());
        while (s) brio::yield();
    });
}

TEST_F(processes, of_a_program_that_ignores_SIGCHLD_have_255) {
    const auto old = ::signal(SIGCHLD, SIG_IGN);
    brio::run([] {
        collect_reports();
        EXPECT_EQ(start({"true"}).wait(), 255);
        EXPECT_EQ(reports.size(), 1U);
    });
    ::signal(SIGCHLD, old);
}

TEST_F(processes, belong_to_their_loops_thread) {
    brio::run([] {
        const started s = start({"sleep", "1000"});
        std::thread([&] { brio::run([&] { EXPECT_THROW(s.wait(), brio::usage_error); }); }).join();
        s.kill();
        s.wait();
    });
}
