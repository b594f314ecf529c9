// wait() makes no tasks: which would the caller look for among the done ones?
// remedy: create_task the callables first
#include <brio/brio.hpp>

#include <array>

int f();
int g();

auto mistake() {
#ifdef FIXED
    auto [done, pending] = brio::wait(std::array{brio::create_task(f), brio::create_task(g)});
#else
    auto [done, pending] = brio::wait(std::array{f, g});  // error here
#endif
    return done.size() + pending.size();
}
