// A task group ends when its last child has ended. A child that fails cancels the others, and the
// group throws what failed.

#include <brio/brio.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>

using namespace std::chrono_literals;

int main() {
    brio::run([] {
        int sum = 0;  // outlives the group: children may borrow it
        brio::task_group([&](brio::task_group_scope& group) {
            for (int i = 1; i <= 3; ++i) group.create_task([&sum, i] { sum += i; });
        });
        std::printf("sum %d\n", sum);

        try {
            brio::task_group([&](brio::task_group_scope& group) {
                group.create_task([] { throw std::runtime_error("disk full"); });
                group.create_task([] { brio::sleep(1h); });  // cancelled
            });
        } catch (const brio::exception_group& group) {
            auto rest = group.visit(
                [](const std::runtime_error& e) { std::printf("failed: %s\n", e.what()); });
            if (rest) throw *rest;
        }
    });
}

// Prints:
//   sum 6
//   failed: disk full
