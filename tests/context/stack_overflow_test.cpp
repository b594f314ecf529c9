#include "context/stack_overflow.hpp"

#include "context/context.hpp"

#include <csignal>
#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <sys/mman.h>

namespace {

using brio::detail::stack;
using brio::detail::stack_overflow_reporter;
using brio::detail::stack_pool;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

std::string_view name_of(const stack&, stack_overflow_reporter::name_room) noexcept {
    return "greedy";
}

[[gnu::noinline]] int recurse(int depth) {
    volatile char frame[1000];
    frame[0] = static_cast<char>(depth);
    return depth < 0 ? 0 : recurse(depth + 1) + frame[0];
}

// One frame of 50,000 bytes: the first thing it touches is in the middle of the guard.
[[gnu::noinline]] void one_large_frame_below(void* limit) {
    static_cast<volatile char*>(limit)[-50'000] = 1;
}

// Runs `body` on a stack of the pool and never comes back.
void run_on(stack_pool& pool, void (*body)(void*)) {
    const stack s = pool.allocate();
    auto cells = brio::detail::thread_cells::of_this_thread();
    brio::detail::machine_context thread;
    brio::detail::machine_context fiber;
    prepare_context(fiber, s.limit, s.top, body, s.limit);
    switch_context(cells, thread, fiber);
}

void overflow_by_recursion(void*) {
    std::exit(recurse(0));
}
void overflow_by_one_frame(void* limit) {
    one_large_frame_below(limit);
    std::exit(0);
}
void read_a_bad_address(void*) {
    void* page = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::exit(*static_cast<volatile char*>(page));
}

void with_reporter(void (*body)(void*)) {
    stack_pool pool;
    const stack_overflow_reporter reporter(pool, name_of);
    run_on(pool, body);
}

void earlier_handler(int) {
    std::_Exit(42);
}

// What a sanitizer makes of the fault after us is its own affair: a report and exit status 1.
bool dies(int status) {
    if constexpr (brio::detail::sanitizers_watch_switches) {
        return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    return testing::KilledBySignal(SIGSEGV)(status);
}

}  // namespace

TEST(stack_overflow_death, is_reported_in_words) {
    const std::string size = std::to_string(256 * stack_pool::size_multiplier);
    EXPECT_EXIT(with_reporter(overflow_by_recursion), dies,
                AllOf(HasSubstr("brio: stack overflow in fiber 'greedy': its stack of " + size +
                                " KiB is used up."),
                      HasSubstr("task_options::stack_size"), HasSubstr("loop_options::stacks.size"),
                      ContainsRegex("Innermost calls:\n.*test_context")));
}

TEST(stack_overflow_death, is_found_in_the_whole_guard) {
    EXPECT_EXIT(with_reporter(overflow_by_one_frame), dies, HasSubstr("stack overflow in fiber"));
}

TEST(stack_overflow_death, other_faults_die_as_ever) {
    EXPECT_EXIT(with_reporter(read_a_bad_address), dies, Not(HasSubstr("brio: ")));
}

TEST(stack_overflow_death, goes_on_to_the_earlier_handler) {
    EXPECT_EXIT(
        {
            std::signal(SIGSEGV, earlier_handler);
            with_reporter(overflow_by_one_frame);
        },
        testing::ExitedWithCode(42), HasSubstr("stack overflow in fiber 'greedy'"));
}

TEST(stack_overflow_death, a_fault_of_somebody_else_goes_to_the_earlier_handler) {
    EXPECT_EXIT(
        {
            std::signal(SIGSEGV, earlier_handler);
            with_reporter(read_a_bad_address);
        },
        testing::ExitedWithCode(42), Not(HasSubstr("brio: ")));
}

TEST(stack_overflow_death, a_signal_that_was_sent_kills) {
    EXPECT_EXIT(
        {
            stack_pool pool;
            const stack_overflow_reporter reporter(pool, nullptr);
            std::signal(SIGBUS, SIG_DFL);
            std::raise(SIGSEGV);
        },
        dies, Not(HasSubstr("brio: ")));
}

TEST(stack_overflow, handlers_and_signal_stack_go_with_the_last_reporter) {
    struct sigaction before = {};
    struct sigaction after = {};
    stack_t stack_before = {};
    stack_t stack_after = {};
    sigaction(SIGSEGV, nullptr, &before);
    sigaltstack(nullptr, &stack_before);
    {
        stack_pool pool;
        const stack_overflow_reporter outer(pool, nullptr);
        const stack_overflow_reporter inner(pool, name_of);
        struct sigaction during = {};
        sigaction(SIGSEGV, nullptr, &during);
        EXPECT_NE(during.sa_sigaction, before.sa_sigaction);
    }
    sigaction(SIGSEGV, nullptr, &after);
    sigaltstack(nullptr, &stack_after);
    EXPECT_EQ(after.sa_sigaction, before.sa_sigaction);
    EXPECT_EQ(stack_after.ss_flags, stack_before.ss_flags);
    if ((stack_before.ss_flags & SS_DISABLE) == 0) {
        EXPECT_EQ(stack_after.ss_sp, stack_before.ss_sp);
    }
}

TEST(stack_overflow, a_handler_put_on_top_stays) {
    struct sigaction ours = {};
    struct sigaction after = {};
    stack_pool pool;
    {
        const stack_overflow_reporter reporter(pool, nullptr);
        sigaction(SIGSEGV, nullptr, &ours);
        std::signal(SIGSEGV, earlier_handler);
    }
    sigaction(SIGSEGV, nullptr, &after);
    EXPECT_EQ(after.sa_handler, earlier_handler);
    // For the other tests: ours is on top again, and goes with the next reporter.
    sigaction(SIGSEGV, &ours, nullptr);
    const stack_overflow_reporter last(pool, nullptr);
}
