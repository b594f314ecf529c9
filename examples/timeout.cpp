// A time limit for any piece of code, however deep in it the waiting is.

#include <brio/brio.hpp>

#include <chrono>
#include <cstdio>

using namespace std::chrono_literals;

static int answer_after(brio::delay time) {
    brio::sleep(time);
    return 42;
}

int main() {
    brio::run([] {
        std::printf("%d\n", brio::timeout(10s, [] { return answer_after(1ms); }));
        try {
            brio::timeout(20ms, [] { return answer_after(10s); });
        } catch (const brio::timeout_error& e) {
            std::printf("no answer: %s\n", e.what());
        }
        brio::timeout_scope limit{20ms};
        limit.run([&] {
            limit.reschedule(brio::clock::now() + 10s);
            brio::sleep(30ms);
        });
        std::printf("with more time: %s\n", limit.expired() ? "late" : "in time");
    });
}

// Prints:
//   42
//   no answer: timed out
//   with more time: in time
