// Other clocks do not follow the loop's.
// remedy: use brio::clock::now()
#include <brio/brio.hpp>

#include <chrono>

using namespace std::chrono_literals;

void f();

void mistake() {
#ifdef FIXED
    brio::timeout_at(brio::clock::now() + 5s, f);
#else
    brio::timeout_at(std::chrono::steady_clock::now() + 5s, f);  // error here
#endif
}
