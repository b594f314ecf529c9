// wait returns as soon as it may, says what is done, and cancels nothing: the rest is the caller's.

#include <brio/brio.hpp>

#include <chrono>
#include <cstdio>
#include <vector>

using namespace std::chrono_literals;

int main() {
    brio::run([] {
        std::vector<brio::task<int>> mirrors;
        for (const int n : {3, 1, 2})
            mirrors.push_back(brio::create_task([n] { return brio::sleep(n * 20ms, n); }));

        auto [done, pending] = brio::wait(mirrors, {.return_when = brio::first_completed});
        std::printf("mirror %d answered, %zu have not\n", done.front().result(), pending.size());

        for (const auto& task : pending) task.cancel();
        auto rest = brio::wait(pending);  // until they have cleaned up
        for (const auto& task : rest.done)
            std::printf("%s\n", task.cancelled() ? "cancelled" : "too quick");
    });
}

// Prints:
//   mirror 1 answered, 2 have not
//   cancelled
//   cancelled
