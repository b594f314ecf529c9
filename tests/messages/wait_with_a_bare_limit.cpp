// asyncio.wait(tasks, timeout=5).
// remedy: wait(tasks, {.timeout = 5s
#include <brio/brio.hpp>

#include <chrono>
#include <vector>

using namespace std::chrono_literals;

auto mistake(const std::vector<brio::task<int>>& tasks) {
#ifdef FIXED
    auto [done, pending] = brio::wait(tasks, {.timeout = 5s});
#else
    auto [done, pending] = brio::wait(tasks, 5s);  // error here
#endif
    return done.size() + pending.size();
}
