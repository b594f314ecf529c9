// The time is the first argument.
// remedy: call_later(5s, [=] { f(x); })
#include <brio/brio.hpp>

#include <chrono>

using namespace std::chrono_literals;

void f();

void mistake(brio::event_loop& loop) {
#ifdef FIXED
    loop.call_later(5s, f);
#else
    loop.call_later(f, 5s);  // error here
#endif
}
