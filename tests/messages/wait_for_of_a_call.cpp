// asyncio.wait_for(fetch(1), 5).
// remedy: wait_for([=] { return f(x); }, 5s)
#include <brio/brio.hpp>

#include <chrono>

using namespace std::chrono_literals;

int fetch(int page);

void mistake() {
#ifdef FIXED
    brio::wait_for([] { return fetch(1); }, 5s);
#else
    brio::wait_for(fetch(1), 5s);  // error here
#endif
}
