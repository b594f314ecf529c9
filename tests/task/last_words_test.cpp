// What a program says before it dies: stacks that are used up, broken invariants. Each in a child
// process.

#include "base/invariant.hpp"
#include "context/sanitizers.hpp"
#include "context/stack_pool.hpp"
#include "task/story.hpp"

#include <csignal>
#include <cstdlib>
#include <sys/mman.h>
#include <thread>

namespace {

using namespace story;
using brio::detail::stack_pool;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ExitedWithCode;
using ::testing::KilledBySignal;
using ::testing::Not;

// What a sanitizer makes of the fault after us is its own affair: a report and exit status 1.
bool dies(int status) {
    if constexpr (brio::detail::sanitizers_watch_switches)
        return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return KilledBySignal(SIGSEGV)(status);
}

[[gnu::noinline]] int recurse(int depth) {
    volatile char frame[1000];
    frame[0] = static_cast<char>(depth);
    return depth < 0 ? 0 : recurse(depth + 1) + frame[0];
}

void use_up_the_stack() {
    std::exit(recurse(0));
}

std::string kibibytes(std::size_t size) {
    return std::to_string(size * stack_pool::size_multiplier) + " KiB";
}

TEST(stack_overflow_death, of_a_task_is_reported_with_its_name_size_and_remedy) {
    EXPECT_EXIT(
        run([] {
            brio::create_task(use_up_the_stack,
                              {.name = "a greedy task with a long name", .stack_size = 64 * 1024})
                .await();
        }),
        dies,
        AllOf(HasSubstr("brio: stack overflow in fiber 'a greedy task with a long name': "
                        "its stack of " +
                        kibibytes(64) + " is used up."),
              HasSubstr("task_options::stack_size"), HasSubstr("loop_options::stacks.size")));
}

TEST(stack_overflow_death, of_a_task_without_a_name_has_its_number) {
    EXPECT_EXIT(run([] {
                    brio::yield();
                    brio::create_task(use_up_the_stack, {.eager_start = true});
                }),
                dies,
                HasSubstr("stack overflow in fiber 'Task-2': its stack of " + kibibytes(256)));
}

TEST(stack_overflow_death, on_another_thread_is_reported) {
    EXPECT_EXIT(std::thread([] { brio::run(use_up_the_stack); }).join(), dies,
                HasSubstr("stack overflow in fiber 'Task-1'"));
}

TEST(stack_overflow_death, is_not_said_of_other_faults_in_a_task) {
    EXPECT_EXIT(
        {
            std::signal(SIGSEGV, [](int) { std::_Exit(42); });
            run([] {
                void* const page =
                    ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                static_cast<void>(*static_cast<volatile char*>(page));
            });
        },
        ExitedWithCode(42), Not(HasSubstr("brio: ")));
}

TEST(stack_overflow, is_watched_for_while_a_loop_runs_and_no_longer) {
    struct signals {
        signals() {
            ::sigaction(SIGSEGV, nullptr, &fault);
            ::sigaltstack(nullptr, &alternate);
        }
        bool operator==(const signals& other) const {
            return fault.sa_sigaction == other.fault.sa_sigaction &&
                   alternate.ss_flags == other.alternate.ss_flags &&
                   ((alternate.ss_flags & SS_DISABLE) != 0 ||
                    alternate.ss_sp == other.alternate.ss_sp);
        }
        struct sigaction fault = {};
        stack_t alternate = {};
    };
    const signals before;
    run([&] { EXPECT_FALSE(signals() == before); });
    EXPECT_TRUE(signals() == before);
    {
        brio::testing::runner r;
        EXPECT_THROW(r.get_loop().run_forever(), brio::testing::deadlock_error);
        EXPECT_TRUE(signals() == before);
    }
}

void break_an_invariant() {
    brio::detail::invariant(false, "two is two");
}

TEST(broken_invariant_death, tells_what_each_fiber_of_the_loop_does) {
    EXPECT_EXIT(run([] {
                    const auto sleeper =
                        brio::create_task([] { brio::sleep(1h); }, {.name = "a sleeper of many"});
                    brio::create_task([&] { sleeper.await(); });
                    auto stubborn = brio::create_task([] {
                        const brio::defer_cancel whole;
                        brio::sleep(1h);
                    });
                    brio::yield();
                    stubborn.cancel();
                    brio::create_task([] {});
                    break_an_invariant();
                }),
                KilledBySignal(SIGABRT),
                AllOf(HasSubstr("brio: broken invariant: two is two"),
                      ContainsRegex("brio: the fibers of this loop:\n"
                                    "  task 'Task-1': running, stack [0-9]+ of [0-9]+ KiB\n"
                                    "  task 'a sleeper of many': parked, stack [0-9]+ of [0-9]+ "
                                    "KiB, waits for sleep\n"
                                    "  task 'Task-3': parked, stack [0-9]+ of [0-9]+ KiB, "
                                    "waits for task 'a sleeper of many'\n"
                                    "  task 'Task-4': parked, cancel pending, stack [0-9]+ of "
                                    "[0-9]+ KiB, waits for sleep\n"
                                    "  task 'Task-5': ready, stack [0-9]+ of [0-9]+ KiB\n")));
}

TEST(broken_invariant_death, in_a_callback_tells_it_too) {
    EXPECT_EXIT(run([] {
                    brio::get_running_loop().call_soon(break_an_invariant);
                    brio::sleep(1h);
                }),
                KilledBySignal(SIGABRT), HasSubstr("task 'Task-1': parked, stack"));
}

TEST(broken_invariant_death, without_a_loop_says_only_what_is_broken) {
    EXPECT_EXIT(run([] { std::thread(break_an_invariant).join(); }), KilledBySignal(SIGABRT),
                Not(HasSubstr("fibers")));
}

}  // namespace
