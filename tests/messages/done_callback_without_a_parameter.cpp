// As asyncio's, the callback is given the future.
// remedy: [](brio::any_future f)
#include <brio/brio.hpp>

#include <cstdio>

void mistake(const brio::task<int>& task) {
#ifdef FIXED
    task.add_done_callback([](brio::any_future) { std::puts("done"); });
#else
    task.add_done_callback([] { std::puts("done"); });  // error here
#endif
}
