// What a program says before it dies. Each in a child process.

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

}  // namespace
