// At most three requests at a time, and at most one more every 5 ms.

#include <brio/brio.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <mutex>

using namespace std::chrono_literals;

/// Lets callers through one at a time, `period` apart.
class pace {
public:
    explicit pace(brio::duration period) : period_(period) {}
    void wait() {
        const std::scoped_lock turn(lock_);  // fair: first come, first served
        brio::sleep(next_ - brio::clock::now());
        next_ = brio::clock::now() + period_;
    }

private:
    brio::lock lock_;
    brio::duration period_;
    brio::time_point next_ = brio::clock::now();
};

int main() {
    brio::run([] {
        brio::semaphore slots{3};
        pace rate{5ms};
        int running = 0;
        int most = 0;
        const brio::time_point start = brio::clock::now();
        brio::task_group([&](brio::task_group_scope& group) {
            for (int i = 0; i < 10; ++i)
                group.create_task([&] {
                    const std::scoped_lock slot(slots);
                    rate.wait();
                    most = std::max(most, ++running);
                    brio::sleep(50ms);  // the request
                    --running;
                });
        });
        const bool paced = brio::clock::now() - start >= 9 * 5ms;
        std::printf("at most %d at a time, %s\n", most, paced ? "paced" : "too fast");
    });
}

// Prints:
//   at most 3 at a time, paced
