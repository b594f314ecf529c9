// A million tasks at once, with the kernel's default limits: takes 5 GB and half a minute.

#include <brio/brio.hpp>

#include <cstddef>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::size_t count = 1'000'000;

std::size_t resident_bytes() {
    std::size_t whole = 0;
    std::size_t resident = 0;
    std::ifstream("/proc/self/statm") >> whole >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t mappings() {
    std::ifstream maps("/proc/self/maps");
    std::size_t lines = 0;
    for (std::string line; std::getline(maps, line);) ++lines;
    return lines;
}

TEST(million, tasks_wait_for_one_future_are_woken_and_joined) {
    brio::run([] {
        const auto gate = brio::create_future<void>();
        std::size_t woken = 0;
        std::vector<brio::task<void>> all;
        all.reserve(count);
        const std::size_t before = resident_bytes();
        for (std::size_t i = 0; i < count; ++i) {
            all.push_back(brio::create_task([&gate, &woken] {
                gate.await();
                ++woken;
            }));
        }
        brio::yield();
        EXPECT_EQ(woken, 0U);
        EXPECT_LE((resident_bytes() - before) / count, 4700U);
        EXPECT_LE(mappings(), 10'000U) << "vm.max_map_count is 65,530 by default";
        gate.set_result();
        for (const auto& one : all) one.await();
        EXPECT_EQ(woken, count);
    });
}

}  // namespace
