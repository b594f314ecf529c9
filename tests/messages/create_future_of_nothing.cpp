// loop.create_future(): C++ must know of what.
// remedy: create_future<int>()
#include <brio/brio.hpp>

auto mistake() {
#ifdef FIXED
    auto answer = brio::create_future<int>();
#else
    auto answer = brio::create_future();  // error here
#endif
    return answer;
}
