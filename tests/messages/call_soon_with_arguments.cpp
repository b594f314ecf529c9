// loop.call_soon(show, 1).
// remedy: call_soon([=] { f(x); })
#include <brio/brio.hpp>

void show(int page);

void mistake(brio::event_loop& loop) {
#ifdef FIXED
    loop.call_soon([] { show(1); });
#else
    loop.call_soon(show, 1);  // error here
#endif
}
