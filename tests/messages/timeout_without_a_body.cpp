// async with asyncio.timeout(5): the block is the second argument here.
// remedy: the body is an argument
#include <brio/brio.hpp>

#include <chrono>

using namespace std::chrono_literals;

void f();

void mistake() {
#ifdef FIXED
    brio::timeout(5s, f);
#else
    auto scope = brio::timeout(5s);  // error here
#endif
}
