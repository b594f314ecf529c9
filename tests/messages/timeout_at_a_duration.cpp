// timeout_at takes a point in time.
// remedy: brio::clock::now() + 5s
#include <brio/brio.hpp>

#include <chrono>

using namespace std::chrono_literals;

void f();

void mistake() {
#ifdef FIXED
    brio::timeout_at(brio::clock::now() + 5s, f);
#else
    brio::timeout_at(5s, f);  // error here
#endif
}
