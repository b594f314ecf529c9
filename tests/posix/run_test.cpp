// brio-run: whole programs that know nothing of Brio, and those that cannot be run so.

#include "posix/command_line.hpp"
#include "posix/fibers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace {

using posix_tests::shell;
using std::string;
using testing::AllOf;
using testing::AnyOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const string run = RUN " ";

/// For a command whose standard input stays open and empty.
const string silent_input =
    "d=$(mktemp -d) && mkfifo $d/f && exec 3<>$d/f && rm -r $d && exec 0<&3 && ";
/// Waits for input, for a hundredth of a second.
const string waits =
    "perl -e 'vec($set, 0, 1) = 1; select($set, undef, undef, 0.01); print \"over\\n\"'";

/// The command under brio-run: the same output and status.
void expect_same(const string& command) {
    const auto plain = shell(command);
    const auto ours = shell(run + command);
    EXPECT_EQ(ours.text, plain.text) << command;
    EXPECT_EQ(ours.status, plain.status) << command;
}

}  // namespace

TEST(brio_run, a_program_is_as_it_is_without) {
    expect_same("sh -c 'echo out; echo error >&2; exit 7'");
    expect_same("bash -c 'for i in 1 2 3; do echo $i | cat | wc -c; done; (exit 5); echo $?'");
    expect_same("bash -c 'trap \"echo caught; exit 9\" TERM; kill $$; sleep 5'");
    expect_same("bash -c 'kill -KILL $$'");
    expect_same("bash -c 'sleep 0.01 & wait $!; echo $?; read line < <(echo text); echo $line'");
    expect_same(
        "perl -e '$SIG{ALRM} = sub { die \"late\\n\" }; alarm 1; eval { sleep 10 }; print $@; exit "
        "3'");
    expect_same(
        "python3 -c 'import sys, time; time.sleep(0.01); print(sys.stdin.read())' < /dev/null");
    expect_same("env -i A=1 printenv A");
}

TEST(brio_run, main_is_on_a_fiber) {
    const auto e = shell(silent_input + run + "--stats " + waits);
    EXPECT_THAT(e.text, testing::MatchesRegex("over\nbrio: perl: [1-9][0-9]* calls of the main "
                                              "thread have waited by (io_uring|epoll)\n"));
}

TEST(brio_run, tells_of_a_program_that_ends_by_exit_at_once) {
    const auto e = shell(run + "--stats perl -e 'use POSIX; POSIX::_exit(3)'");
    EXPECT_EQ(e.status, 3);
    EXPECT_THAT(e.text, HasSubstr("calls of the main thread have waited by"));
}

TEST(brio_run, a_program_may_take_the_addresses_of_calls) {
    const auto e = shell("echo text | " + run + "--stats " PROGRAM_FIXED);
    EXPECT_EQ(e.status, 0);
    EXPECT_THAT(e.text, AllOf(HasSubstr("text\n"), Not(HasSubstr("stands aside"))));
    EXPECT_THAT(e.text,
                AnyOf(HasSubstr("have waited by io_uring"), HasSubstr("have waited by epoll")));
}

TEST(brio_run, the_reactor_can_be_chosen) {
    const auto e = shell(silent_input + run + "--stats --reactor epoll " + waits);
    EXPECT_THAT(e.text, HasSubstr("calls of the main thread have waited by epoll"));
}

TEST(brio_run, audits_a_program) {
    if (!posix_tests::has_syscall_dispatch()) GTEST_SKIP() << "no Syscall User Dispatch";
    const auto quiet =
        shell("(sleep 0.05; echo text) | " + run + "--audit perl -e 'print scalar <STDIN>'");
    EXPECT_EQ(quiet.text, "text\nbrio: perl: no call has blocked the main thread unseen\n");
    const auto loud = shell(
        run +
        "--audit perl -e '$time = pack(\"qq\", 0, 5000000); syscall(35, $time, 0)'");  // nanosleep
    EXPECT_THAT(loud.text, AllOf(StartsWith("brio: perl: nanosleep blocked the loop's thread for "),
                                 HasSubstr("in task 'main'"), HasSubstr("perl")));
}

TEST(brio_run, says_what_it_cannot_run) {
    const auto none = shell(run + "no_such_program");
    EXPECT_EQ(none.status, 127);
    EXPECT_EQ(none.text, "brio-run: no_such_program: No such file or directory\n");
    EXPECT_EQ(shell(run + "/etc/passwd").status, 126);
    EXPECT_EQ(shell(RUN).status, 125);
    EXPECT_EQ(shell(run + "--nonsense true").status, 125);
    EXPECT_EQ(shell(run + "--help").status, 0);
    const auto fixed = shell(run + PROGRAM_STATIC " exchange");
    EXPECT_EQ(fixed.status, 125);
    EXPECT_EQ(fixed.text, "brio-run: " PROGRAM_STATIC ": it is statically linked\n");
}

TEST(brio_run, says_what_scripts_and_other_libraries_lead_to) {
    const auto script =
        shell("d=$(mktemp -d); printf '#!%s\\n' " PROGRAM_STATIC " > $d/s; chmod +x $d/s; " + run +
              "$d/s; s=$?; rm -r $d; exit $s");
    EXPECT_EQ(script.status, 125);
    EXPECT_THAT(script.text, EndsWith("/s: it is statically linked\n"));
    // A copy of this program that names another loader.
    const auto foreign =
        shell("d=$(mktemp -d); sed 's,ld-linux,ld-other,' " RUN " > $d/p; chmod +x $d/p; " + run +
              "$d/p; s=$?; rm -r $d; exit $s");
    EXPECT_EQ(foreign.status, 125);
    EXPECT_THAT(foreign.text, HasSubstr("it is not for this C library"));
}

TEST(brio_run, says_what_it_cannot_preload) {
    const string copy = "d=$(mktemp -d); cp " RUN " $d/p; ";
    const string run_it = run + "$d/p; s=$?; rm -r $d; exit $s";
    // RISC-V, which is none of ours.
    const auto other = shell(
        copy + "printf '\\363' | dd of=$d/p bs=1 seek=18 conv=notrunc status=none; " + run_it);
    EXPECT_EQ(other.status, 125);
    EXPECT_THAT(other.text, EndsWith("/p: it is for another kind of processor\n"));
    if (::geteuid() != 0) return;  // who is not root cannot give a file away
    const auto privileged = shell(copy + "chown nobody $d/p; chmod u+s $d/p; " + run_it);
    EXPECT_EQ(privileged.status, 125);
    EXPECT_THAT(privileged.text,
                HasSubstr("/p: it is set-user-ID, set-group-ID or has capabilities"));
}
