// In Python a call of a coroutine function makes the coroutine; here it has run already.
// remedy: [=] { f(x); }, not f(x)
#include <brio/brio.hpp>

int fetch(int page);

void mistake() {
#ifdef FIXED
    brio::create_task([] { return fetch(1); });
#else
    brio::create_task(fetch(1));  // error here
#endif
}
