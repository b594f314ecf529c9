// gather gives all results, or the first error; wait gives the tasks, and leaves the rest to you.

#include <brio/brio.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <vector>

using namespace std::chrono_literals;

static int work(int n) {
    brio::sleep(n * n * n * 10ms);
    if (n == 2) throw std::runtime_error("two is bad luck");
    return n * n;
}

static std::vector<brio::task<int>> three_tasks() {
    std::vector<brio::task<int>> tasks;
    for (int n = 1; n <= 3; ++n) tasks.push_back(brio::create_task([n] { return work(n); }));
    return tasks;
}

int main() {
    brio::run([] {
        try {
            (void)brio::gather(three_tasks()).await();
        } catch (const std::runtime_error& e) {
            std::printf("gather: %s\n", e.what());  // the third task still runs
        }
        for (const auto& result : brio::gather(brio::return_exceptions, three_tasks()).await())
            std::printf("gather(return_exceptions): %s\n", result ? "a value" : "an error");

        auto [done, pending] = brio::wait(three_tasks(), {.return_when = brio::first_exception});
        for (const auto& task : pending) task.cancel();
        std::printf("wait: %zu done, %zu cancelled\n", done.size(), pending.size());
        for (const auto& task : done)
            if (task.exception() == nullptr) std::printf("wait: %d\n", task.result());
    });
}

// Prints:
//   gather: two is bad luck
//   gather(return_exceptions): a value
//   gather(return_exceptions): an error
//   gather(return_exceptions): a value
//   wait: 2 done, 1 cancelled
//   wait: 1
