#include "context/stack_pool.hpp"

#include "base/feature_mask.hpp"
#include "context/sanitizers.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

namespace {

using brio::detail::stack;
using brio::detail::stack_pool;
using testing::HasSubstr;

constexpr std::size_t kib = 1024;

std::uintptr_t address(const void* p) {
    return reinterpret_cast<std::uintptr_t>(p);
}
std::byte* end_of(const stack& s) {
    return static_cast<std::byte*>(s.limit) + s.size;
}

// Resident pages in [from, from + bytes).
std::size_t resident_pages(const void* from, std::size_t bytes) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    std::vector<unsigned char> present(bytes / page);
    if (mincore(const_cast<void*>(from), bytes, present.data()) != 0) return 0;
    std::size_t count = 0;
    for (const unsigned char p : present) count += p & 1;
    return count;
}

std::size_t mappings_of_process() {
    std::ifstream maps("/proc/self/maps");
    std::size_t lines = 0;
    for (std::string line; std::getline(maps, line);) ++lines;
    return lines;
}

void touch_top(const stack& s) {
    static_cast<std::byte*>(s.top)[-64] = std::byte{1};
}

}  // namespace

TEST(stack_pool, gives_the_size_asked_for_rounded_up) {
    stack_pool pool({.size = 128 * kib});
    const std::size_t m = stack_pool::size_multiplier;
    EXPECT_EQ(pool.allocate().size, 128 * kib * m);
    EXPECT_EQ(pool.allocate(64 * kib).size, 64 * kib * m);
    EXPECT_EQ(pool.allocate(1).size, 64 * kib);
    EXPECT_EQ(pool.allocate(64 * kib + 1).size, 128 * kib * m);
    EXPECT_EQ(pool.allocate(100 * 1000).size, 128 * kib * m);
    EXPECT_EQ(pool.allocate(8192 * kib).size, 8192 * kib * m);
    EXPECT_EQ(pool.statistics().in_use, 6U);
}

TEST(stack_pool, a_size_that_no_machine_has_is_an_error) {
    stack_pool pool;
    EXPECT_THROW(static_cast<void>(pool.allocate(std::size_t{1} << 50)), std::system_error);
    EXPECT_THROW(static_cast<void>(pool.allocate(SIZE_MAX)), std::system_error);
}

TEST(stack_pool, no_memory_is_an_error_that_names_the_limits) {
    // More than a process can address, in slabs of one.
    stack_pool pool({.size = (std::size_t{1} << 39) / stack_pool::size_multiplier});
    try {
        for (int i = 0; i < 1000; ++i) static_cast<void>(pool.allocate());
        FAIL() << "512 TiB of stacks";
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code().value(), ENOMEM);
        EXPECT_THAT(e.what(), HasSubstr("ulimit -v"));
        EXPECT_THAT(e.what(), HasSubstr("vm.overcommit_memory"));
    }
}

TEST(stack_pool, the_whole_stack_can_be_written) {
    stack_pool pool;
    for (int i = 0; i < 20; ++i) {
        const stack s = pool.allocate();
        std::memset(s.limit, 1,
                    static_cast<std::size_t>(end_of(s) - static_cast<std::byte*>(s.limit)));
    }
}

TEST(stack_pool, reuses_the_stack_released_last) {
    stack_pool pool;
    const stack a = pool.allocate();
    const stack b = pool.allocate();
    const stack c = pool.allocate();
    pool.release(a);
    pool.release(c);
    pool.release(b);
    EXPECT_EQ(pool.statistics().warm, 3U);
    EXPECT_EQ(pool.allocate().top, b.top);
    EXPECT_EQ(pool.allocate().top, c.top);
    const stack again = pool.allocate();
    EXPECT_EQ(again.top, a.top);
    EXPECT_EQ(again.limit, a.limit);
    EXPECT_EQ(again.size, a.size);
    EXPECT_EQ(pool.statistics().warm, 0U);
}

TEST(stack_pool, sizes_do_not_mix) {
    stack_pool pool;
    const stack small = pool.allocate(64 * kib);
    const stack large = pool.allocate(1024 * kib);
    pool.release(small);
    pool.release(large);
    EXPECT_EQ(pool.allocate(64 * kib).top, small.top);
    EXPECT_EQ(pool.allocate(1024 * kib).top, large.top);
    EXPECT_EQ(pool.statistics().slabs, 2U);
}

TEST(stack_pool, staggers_the_tops_by_sixteen_cache_lines) {
    stack_pool pool;
    std::set<std::size_t> below_end;
    for (int i = 0; i < 64; ++i) {
        const stack s = pool.allocate();
        EXPECT_EQ(address(s.top) % 64, 0U);
        below_end.insert(static_cast<std::size_t>(end_of(s) - static_cast<std::byte*>(s.top)));
    }
    std::set<std::size_t> expected;
    for (std::size_t i = 0; i < 16; ++i) expected.insert(i * 64);
    EXPECT_EQ(below_end, expected);
}

TEST(stack_pool, neighbours_are_an_odd_number_of_pages_apart) {
    stack_pool pool;
    const stack a = pool.allocate();
    const stack b = pool.allocate();
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t distance = address(end_of(b)) - address(end_of(a));
    EXPECT_EQ(distance % page, 0U);
    EXPECT_EQ(distance / page % 2, 1U);
    EXPECT_GE(stack_pool::guard_size(), 64 * kib);
}

TEST(stack_pool, a_small_program_reserves_little) {
    stack_pool pool;
    EXPECT_EQ(pool.statistics().reserved_bytes, 0U);
    const stack s = pool.allocate();
    EXPECT_EQ(pool.statistics().reserved_bytes, 16 * (s.size + stack_pool::guard_size()));
}

TEST(stack_pool, a_parked_stack_costs_one_page) {
    stack_pool pool;
    for (int i = 0; i < 100; ++i) {
        const stack s = pool.allocate();
        touch_top(s);
        EXPECT_EQ(resident_pages(s.limit, s.size), 1U);
    }
}

TEST(stack_pool, gives_back_what_is_above_the_mark) {
    constexpr std::size_t count = 1000;
    constexpr std::size_t keep = 100;
    stack_pool pool({.keep = keep});
    std::vector<stack> stacks;
    for (std::size_t i = 0; i < count; ++i) {
        stacks.push_back(pool.allocate());
        touch_top(stacks.back());
    }
    const std::size_t slabs = pool.statistics().slabs;
    for (const stack& s : stacks) pool.release(s);
    const auto after = pool.statistics();
    EXPECT_EQ(after.in_use, 0U);
    EXPECT_EQ(after.warm + after.cold, count);
    EXPECT_GE(after.warm, keep);
    EXPECT_LT(after.warm, keep + stack_pool::give_back_batch);
    std::size_t resident = 0;
    for (const stack& s : stacks) resident += resident_pages(s.limit, s.size);
    EXPECT_EQ(resident, after.warm);

    std::set<void*> tops;
    for (std::size_t i = 0; i < count; ++i) {
        const stack s = pool.allocate();
        touch_top(s);
        tops.insert(s.top);
    }
    EXPECT_EQ(tops.size(), count);
    EXPECT_EQ(pool.statistics().slabs, slabs);
    EXPECT_EQ(pool.statistics().cold, 0U);
}

TEST(stack_pool, gives_back_in_any_order_of_release_and_for_every_size) {
    stack_pool pool({.keep = 0});
    std::vector<stack> stacks;
    for (std::size_t i = 0; i < 500; ++i) {
        stacks.push_back(pool.allocate((64 * kib) << (i % 3)));
        touch_top(stacks.back());
    }
    for (std::size_t step = 0; step < 7; ++step) {
        for (std::size_t i = step; i < stacks.size(); i += 7) pool.release(stacks[i]);
    }
    std::size_t resident = 0;
    for (const stack& s : stacks) resident += resident_pages(s.limit, s.size);
    EXPECT_EQ(resident, pool.statistics().warm);
    EXPECT_LT(pool.statistics().warm, stack_pool::give_back_batch);
}

TEST(stack_pool, a_size_in_use_keeps_its_memory_beside_idle_ones) {
    stack_pool pool({.keep = 0});
    std::vector<stack> idle;
    for (std::size_t i = 0; i + 1 < stack_pool::give_back_batch; ++i) {
        idle.push_back(pool.allocate(512 * kib));
    }
    for (const stack& s : idle) pool.release(s);
    for (int i = 0; i < 10; ++i) {
        const stack s = pool.allocate(64 * kib);
        touch_top(s);
        pool.release(s);
        if (i > 0) {
            EXPECT_EQ(resident_pages(s.limit, s.size), 1U);
        }
    }
    EXPECT_EQ(pool.statistics().cold, idle.size());
    EXPECT_EQ(pool.statistics().warm, 1U);
}

TEST(stack_pool, finds_the_stack_of_a_guard) {
    stack_pool pool;
    const stack small = pool.allocate(64 * kib);
    const stack s = pool.allocate();
    const auto* limit = static_cast<std::byte*>(s.limit);
    EXPECT_EQ(pool.guarded_by(limit - 1).top, s.top);
    EXPECT_EQ(pool.guarded_by(limit - stack_pool::guard_size()).top, s.top);
    EXPECT_EQ(pool.guarded_by(limit - 1).size, s.size);
    EXPECT_EQ(pool.guarded_by(static_cast<std::byte*>(small.limit) - 1).limit, small.limit);
    EXPECT_EQ(pool.guarded_by(limit).top, nullptr);
    EXPECT_EQ(pool.guarded_by(s.top).top, nullptr);
    EXPECT_EQ(pool.guarded_by(nullptr).top, nullptr);
    EXPECT_EQ(pool.guarded_by(&pool).top, nullptr);
    EXPECT_TRUE(pool.holds(limit));
    EXPECT_TRUE(pool.holds(static_cast<std::byte*>(small.top) - 1));
    EXPECT_FALSE(pool.holds(&pool));
    EXPECT_FALSE(pool.holds(nullptr));
    // The guard of the stack that comes next is not in place yet.
    EXPECT_EQ(pool.guarded_by(end_of(s)).top, nullptr);
}

namespace {

void write_into_guard_of_last(std::size_t count) {
    stack_pool pool({.keep = 0});
    std::vector<stack> stacks;
    for (std::size_t i = 0; i < count; ++i) stacks.push_back(pool.allocate());
    for (const stack& s : stacks) pool.release(s);
    stack last;
    for (std::size_t i = 0; i < count; ++i) last = pool.allocate();
    *(static_cast<volatile char*>(last.limit) - 1) = 1;
    std::_Exit(0);
}

}  // namespace

TEST(stack_pool_death, guards_survive_being_given_back) {
    EXPECT_DEATH(write_into_guard_of_last(1), "");
    EXPECT_DEATH(write_into_guard_of_last(200), "");
}

TEST(stack_pool, guards_need_no_mappings_of_their_own) {
    stack_pool pool;
    if (pool.statistics().guards_are_mappings) GTEST_SKIP() << "masked";
    static_cast<void>(pool.allocate());
    if (pool.statistics().guards_are_mappings) GTEST_SKIP() << "no MADV_GUARD_INSTALL";
    const std::size_t before = mappings_of_process();
    // More than vm.max_map_count would let in if each took two.
    for (int i = 0; i < 70'000; ++i) static_cast<void>(pool.allocate());
    EXPECT_LT(mappings_of_process(), before + 50);
}

TEST(stack_pool, without_guard_regions_each_guard_is_a_mapping) {
    if (!masked(brio::detail::feature::guard)) GTEST_SKIP() << "in the masked run";
    stack_pool pool;
    const std::size_t before = mappings_of_process();
    for (int i = 0; i < 100; ++i) static_cast<void>(pool.allocate());
    EXPECT_TRUE(pool.statistics().guards_are_mappings);
    EXPECT_GE(mappings_of_process(), before + 100);
}

TEST(stack_pool_death, too_many_mappings_are_an_error_that_names_the_sysctl) {
    if (!masked(brio::detail::feature::guard)) GTEST_SKIP() << "in the masked run";
    if (brio::detail::under_thread_sanitizer) GTEST_SKIP() << "it needs mappings itself";
    EXPECT_EXIT(
        {
            stack_pool pool({.size = 64 * kib});
            std::size_t count = 0;
            try {
                for (; count < 1'000'000; ++count) static_cast<void>(pool.allocate());
            } catch (const std::system_error& e) {
                std::fprintf(stderr, "at %zu: %s\n", count + 1, e.what());
                std::_Exit(e.code().value() == ENOMEM ? 3 : 4);
            }
            std::_Exit(5);
        },
        testing::ExitedWithCode(3),
        testing::MatchesRegex("at ([0-9]+): .*stack number [0-9]+.*vm.max_map_count.*\n"));
}
