// Each attempt has a time limit, the pause between attempts doubles, and all of it has a limit too.

#include <brio/brio.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>

using namespace std::chrono_literals;

/// Answers late the first time, breaks the second time, and works then.
static int unreliable(int attempt) {
    brio::sleep(attempt == 1 ? 10s : 1ms);
    if (attempt == 2) throw std::runtime_error("connection lost");
    return 42;
}

template <class F>
auto retried(F f, int attempts) {
    brio::duration pause = 5ms;
    for (int attempt = 1;; ++attempt) {
        try {
            return brio::timeout(20ms, [&] { return f(attempt); });
        } catch (const std::exception& e) {  // a cancellation is none: it goes through
            std::printf("attempt %d: %s\n", attempt, e.what());
            if (attempt == attempts) throw;
        }
        brio::sleep(pause);
        pause *= 2;
    }
}

int main() {
    brio::run([] {
        const int answer = brio::timeout(10s, [] { return retried(unreliable, 5); });
        std::printf("the answer is %d\n", answer);
    });
}

// Prints:
//   attempt 1: timed out
//   attempt 2: connection lost
//   the answer is 42
