// asyncio.sleep(5).
// remedy: write the unit: 5s
#include <brio/brio.hpp>

#include <chrono>

using namespace std::chrono_literals;

void mistake() {
#ifdef FIXED
    brio::sleep(5s);
#else
    brio::sleep(5);  // error here
#endif
}
