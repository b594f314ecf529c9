// An hour on the virtual clock of brio::testing.
#include <brio/brio.hpp>
#include <brio/testing.hpp>

#include <cstdio>

int main() {
    using namespace std::chrono_literals;
    const bool right = brio::testing::run([] {
        auto sleeper = brio::create_task([] { brio::sleep(1h); });
        brio::testing::wait_all_blocked();
        const bool asleep = !sleeper.done();
        sleeper.await();
        return asleep && brio::clock::now() == brio::time_point(1h);
    });
    std::puts(right ? "virtual clock: ok" : "virtual clock: wrong time");
    return right ? 0 : 1;
}
