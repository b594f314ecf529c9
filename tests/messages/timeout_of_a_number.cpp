// asyncio.timeout(0.5).
// remedy: write the unit: 5s
#include <brio/brio.hpp>

#include <chrono>

using namespace std::chrono_literals;

void f();

void mistake() {
#ifdef FIXED
    brio::timeout(0.5s, f);
#else
    brio::timeout(0.5, f);  // error here
#endif
}
