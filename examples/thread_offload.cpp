// Work that computes without waiting goes to a thread, and the loop goes on meanwhile.

#include <brio/brio.hpp>

#include <chrono>
#include <cstdio>

using namespace std::chrono_literals;

static long count_primes(int limit) {
    long count = 0;
    for (int n = 2; n < limit; ++n) {
        bool prime = true;
        for (int d = 2; d * d <= n && prime; ++d) prime = n % d != 0;
        count += prime ? 1 : 0;
    }
    return count;
}

int main() {
    brio::run([] {
        int ticks = 0;
        auto ticker = brio::create_task([&] {
            for (;; ++ticks) brio::sleep(1ms);
        });
        const long primes = brio::to_thread(count_primes, 1'000'000);  // only this task waits
        ticker.cancel();
        std::printf("%ld primes, and the loop went on: %s\n", primes, ticks > 1 ? "yes" : "no");

        brio::thread_pool pool({.threads = 2, .name = "sums"});
        auto [a, b] = brio::gather(brio::run_in_executor(pool, [] { return count_primes(100); }),
                                   brio::run_in_executor(pool, [] { return count_primes(1000); }))
                          .await();
        std::printf("%ld and %ld\n", a, b);
    });
}

// Prints:
//   78498 primes, and the loop went on: yes
//   25 and 168
