// A task that does something every 10 ms, without drifting, until it is told to stop.

#include <brio/brio.hpp>

#include <chrono>
#include <cstdio>

using namespace std::chrono_literals;

template <class F>
void every(brio::duration period, F f) {
    for (brio::time_point next = brio::clock::now();; next += period) {
        brio::sleep(next - brio::clock::now());  // also the cancellation point
        f();
    }
}

int main() {
    brio::run([] {
        int beats = 0;
        brio::event enough;
        auto heart = brio::create_task([&] {
            every(10ms, [&] {
                if (++beats == 3) enough.set();
            });
        });
        enough.wait();
        heart.cancel();
        try {
            heart.await();
        } catch (const brio::cancelled_error&) {
            std::printf("stopped after %d beats\n", beats);
        }
    });
}

// Prints:
//   stopped after 3 beats
