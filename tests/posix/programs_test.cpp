// Whole programs: linked in each way, switched off, linked wrongly, preloaded.

#include "posix/command_line.hpp"
#include "posix/fibers.hpp"

#include <brio/posix.hpp>

#include <string>

namespace {

using posix_tests::ended;
using posix_tests::shell;
using std::string;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const string linked = PROGRAM_LINKED;
const string unlinked = PROGRAM_UNLINKED;
const string hidden = PROGRAM_HIDDEN;
const string plain = PROGRAM_PLAIN;
const string exchanged = "exchanged up to f\n";
const string required = "brio::posix::require: libc's blocking calls do not suspend fibers: ";
const string slowly = "(sleep 0.05; echo a; sleep 0.05; echo b) | ";

/// What a command line with programs/streams.cpp prints. $d is a directory of its own, once_counted
/// waits until the program's other fiber has counted.
string counting(const string& command) {
    return shell(
               "d=$(mktemp -d); once_counted() { until [ -e $d/counted ]; do sleep 0.01; done; "
               "}; " +
               command + "; rm -r $d")
        .text;
}

}  // namespace

TEST(programs, a_linked_layer_is_active) {
    const ended e = shell(linked + " require");
    EXPECT_EQ(e.status, 0);
    EXPECT_EQ(e.text, "active\nactive 1, recv 1, close 0\n");
    EXPECT_EQ(shell(linked + " exchange").text, exchanged);
}

TEST(programs, can_be_switched_off) {
    const ended e = shell("BRIO_POSIX=off " + linked + " require");
    EXPECT_EQ(e.status, 0);
    EXPECT_THAT(e.text, AllOf(StartsWith(required + "BRIO_POSIX=off\n"),
                              EndsWith("active 0, recv 0, close 0\n")));
    EXPECT_EQ(shell("BRIO_POSIX=on " + linked + " exchange").text, exchanged);
    // Off means libc: the first read blocks the thread, and with it the fiber that would write.
    EXPECT_EQ(shell("BRIO_POSIX=off timeout 0.2 " + linked + " exchange").status, 124);
}

TEST(programs, a_wrong_switch_is_refused) {
    const ended e = shell("BRIO_POSIX=maybe " + linked + " require");
    EXPECT_EQ(e.status, 127);
    EXPECT_EQ(e.text, "brio: BRIO_POSIX is 'maybe'; it may be on or off\n");
}

TEST(programs, without_the_layer_require_says_what_to_link) {
    const ended e = shell(unlinked + " require");
    EXPECT_EQ(e.status, 0);
    EXPECT_THAT(e.text, AllOf(StartsWith(required), HasSubstr("link the CMake target brio::posix"),
                              EndsWith("active 0, recv 0, close 0\n")));
}

TEST(programs, a_layer_whose_symbols_did_not_take_refuses_to_start) {
    const ended e = shell(hidden + " exchange");
    EXPECT_EQ(e.status, 127);
    EXPECT_THAT(e.text, AllOf(StartsWith("brio: libc's read is taken by "), HasSubstr(".so"),
                              HasSubstr(", not by " + hidden),
                              EndsWith(". The hooks of brio::posix are linked, but calls do not "
                                       "reach them: they must be in the executable or in a library "
                                       "before libc, and exported (no version script, no "
                                       "--exclude-libs). BRIO_POSIX=off runs without them.\n")));
    EXPECT_THAT(shell("BRIO_POSIX=off " + hidden + " require").text, HasSubstr("active 0"));
}

TEST(programs, exit_in_a_fiber_gives_libcs_calls_to_destructors) {
    const ended e = shell(linked + " exit");
    EXPECT_EQ(e.status, 7);
    EXPECT_EQ(e.text, "destructor read d\n");
}

TEST(programs, standard_streams_suspend) {
    if (!posix_tests::has_known_stdio()) GTEST_SKIP() << "another libc";
    const string streams = PROGRAM_STREAMS " $d/counted";
    EXPECT_EQ(counting("(echo a; once_counted; echo b) | " + streams), "a\nb\ncounted\n");
    EXPECT_EQ(counting(slowly + "BRIO_POSIX=off " + streams), "a\nb\nstood still\n");
    // A reader that is late.
    EXPECT_EQ(counting(streams + " big </dev/null | (once_counted; wc -c)"), "counted\n1048577\n");
}

#if defined(PROGRAM_STATIC)
TEST(programs, standard_streams_of_a_static_executable_block) {
    EXPECT_EQ(counting(slowly + PROGRAM_STATIC_STREAMS " $d/counted"), "a\nb\nstood still\n");
}

TEST(programs, a_static_executable_works) {
    const ended e = shell(string(PROGRAM_STATIC) + " require");
    EXPECT_EQ(e.status, 0);
    EXPECT_EQ(e.text, "active\nactive 1, recv 1, close 0\n");
    EXPECT_EQ(shell(string(PROGRAM_STATIC) + " exchange").text, exchanged);
    EXPECT_EQ(shell(string(PROGRAM_STATIC) + " exit").text, "destructor read d\n");
}
#endif

#if defined(PRELOAD)
namespace {
const string preload = "LD_PRELOAD=" PRELOAD " ";
}

TEST(preload, leaves_a_program_that_knows_nothing_of_brio_as_it_is) {
    const ended without = shell("echo input | " + plain + " one");
    const ended with = shell("echo input | " + preload + plain + " one");
    EXPECT_EQ(without.status, 5);
    EXPECT_THAT(without.text, HasSubstr("line input"));
    EXPECT_EQ(with.status, without.status);
    EXPECT_EQ(with.text, without.text);
}

TEST(preload, runs_main_on_a_fiber_and_nobody_notices) {
    const ended without = shell("echo input | " + plain + " one");
    const string main_on_fiber = "BRIO_PRELOAD_MAIN=1 " + preload;
    const ended with = shell("echo input | " + main_on_fiber + plain + " one");
    EXPECT_EQ(with.status, without.status);
    EXPECT_EQ(with.text, without.text);
    // Debug mode shows that a loop has served it.
    const ended shown = shell("echo input | BRIO_DEBUG=1 " + main_on_fiber + plain);
    EXPECT_THAT(shown.text, testing::ContainsRegex("brio:.*(io_uring|epoll)"));
    const ended off = shell("echo input | BRIO_DEBUG=1 BRIO_POSIX=off " + main_on_fiber + plain);
    EXPECT_THAT(off.text, Not(HasSubstr("brio:")));
    EXPECT_EQ(off.status, 5);
}

TEST(preload, serves_programs_of_the_system) {
    const string main_on_fiber = "BRIO_PRELOAD_MAIN=1 " + preload;
    EXPECT_EQ(shell("(sleep 0.05; echo late) | " + main_on_fiber + "cat").text, "late\n");
    EXPECT_EQ(shell(main_on_fiber + "bash -c 'echo a | while read x; do echo $x$(echo b); done; "
                                    "sleep 0.01; (exit 3)'")
                  .text,
              "ab\n");
    EXPECT_EQ(shell(main_on_fiber + "bash -c 'exit 3'").status, 3);
    EXPECT_EQ(shell(main_on_fiber + "timeout 0.05 sleep 5").status, 124);
}

TEST(preload, stands_aside_where_the_program_has_a_layer) {
    const ended e = shell(preload + linked + " exchange");
    EXPECT_EQ(e.status, 0);
    EXPECT_THAT(e.text, AllOf(HasSubstr("stands aside"), EndsWith(exchanged)));
}

TEST(preload, serves_programs_with_a_shared_core) {
    const string shared_preload = "LD_PRELOAD=" PRELOAD_SHARED " ";
    EXPECT_EQ(shell(shared_preload + PROGRAM_SHARED " exchange").text, exchanged);
    EXPECT_THAT(shell(shared_preload + PROGRAM_SHARED " require").text, StartsWith("active\n"));
    EXPECT_THAT(shell(PROGRAM_SHARED " require").text, StartsWith(required));
    if (!posix_tests::has_known_stdio()) GTEST_SKIP() << "another libc";
    EXPECT_EQ(counting("(once_counted; echo a) | " + shared_preload +
                       PROGRAM_SHARED_STREAMS " $d/counted"),
              "a\ncounted\n");
}
#endif
