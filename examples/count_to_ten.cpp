// Ten tasks count to ten at the same time, on one thread, each at its own pace.

#include <brio/brio.hpp>

#include <chrono>
#include <cstdio>
#include <vector>

using namespace std::chrono_literals;

static int count_to_ten(int pace) {
    for (int n = 1; n < 10; ++n) brio::sleep(pace * 1ms);
    return 10;
}

int main() {
    brio::run([] {
        std::vector<brio::task<int>> counters;
        for (int pace = 1; pace <= 10; ++pace)
            counters.push_back(brio::create_task([pace] { return count_to_ten(pace); }));

        int finished = 0;
        for (const auto& counter : brio::as_completed(counters)) {
            counter.await();
            ++finished;
        }
        int sum = 0;
        for (const auto& counter : counters) sum += counter.result();
        std::printf("%d tasks counted to %d together\n", finished, sum);
    });
}

// Prints:
//   10 tasks counted to 100 together
