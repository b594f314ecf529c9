#include "base/invariant.hpp"

#include "base/system_calls.hpp"
#include "context/strand.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdexcept>

namespace {

using brio::detail::invariant;
using testing::HasSubstr;
using testing::KilledBySignal;

void dump() noexcept {
    brio::detail::system_calls::write_error_text("the dump\n");
}
void dump_that_breaks() noexcept {
    invariant(false, "in the dump");
}

}  // namespace

TEST(invariant, holds) {
    invariant(true, "never shown");
}

TEST(invariant_death, broken_aborts_with_the_place) {
    EXPECT_EXIT(invariant(false, "two is two"), KilledBySignal(SIGABRT),
                testing::ContainsRegex(
                    "brio: broken invariant: two is two \\(.*invariant_test.cpp:[0-9]+\\)"));
}

TEST(invariant_death, broken_dumps) {
    EXPECT_EXIT(
        {
            brio::detail::dump_on_broken_invariant = dump;
            invariant(false, "two is two");
        },
        KilledBySignal(SIGABRT), HasSubstr("the dump\n"));
}

TEST(invariant_death, broken_again_in_the_dump_ends) {
    EXPECT_EXIT(
        {
            brio::detail::dump_on_broken_invariant = dump_that_breaks;
            invariant(false, "two is two");
        },
        KilledBySignal(SIGABRT), HasSubstr("in the dump"));
}

TEST(invariant_death, a_fiber_may_not_end_inside_a_catch) {
    static brio::detail::machine_context thread;
    static brio::detail::machine_context fiber;
    const auto end_inside_catch = [](void*) {
        try {
            throw std::runtime_error("alive");
        } catch (...) {
            switch_context_for_good(brio_tests::strand::cells(), fiber, thread,
                                    thread.stack_pointer);
        }
    };
    EXPECT_EXIT(
        {
            alignas(64) static std::byte memory[256 * 1024];
            prepare_context(fiber, memory, memory + sizeof memory, end_inside_catch, nullptr);
            switch_context(brio_tests::strand::cells(), thread, fiber);
        },
        KilledBySignal(SIGABRT), HasSubstr("a fiber ends while an exception of its own is alive"));
}
