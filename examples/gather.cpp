// gather waits for many at once, and keeps the order of its arguments.
//
// A plain gather ends with the first failure while the other children run on, so children own what
// they use. With return_exceptions it ends last: then they may borrow, as `log` does here.

#include <brio/brio.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

static int slow_number() {
    brio::sleep(10ms);
    return 10;
}

int main() {
    brio::run([] {
        auto word = [] { return std::string("ten"); };
        auto [number, text] = brio::gather(slow_number, word).await();
        std::printf("%d is %s\n", number, text.c_str());

        auto broken = []() -> int { throw std::runtime_error("out of order"); };
        std::string log;
        auto note = [&log] { log += "noted"; };
        auto [a, b, c] = brio::gather(brio::return_exceptions, slow_number, broken, note).await();
        if (const auto* e = b.error_as<std::runtime_error>())
            std::printf("failed: %s\n", e->what());
        if (a && c) std::printf("%d, %s\n", *a, log.c_str());
    });
}

// Prints:
//   10 is ten
//   failed: out of order
//   10, noted
