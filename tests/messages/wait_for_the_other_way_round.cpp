// timeout() has the time first, wait_for() last, as in asyncio.
// remedy: wait_for([=] { return f(x); }, 5s)
#include <brio/brio.hpp>

#include <chrono>

using namespace std::chrono_literals;

int f();

void mistake() {
#ifdef FIXED
    brio::wait_for(f, 5s);
#else
    brio::wait_for(5s, f);  // error here
#endif
}
