// asyncio.shield(fetch(1)).
// remedy: [=] { return f(x); }, a task, a future
#include <brio/brio.hpp>

int fetch(int page);

void mistake() {
#ifdef FIXED
    brio::shield([] { return fetch(1); }).await();
#else
    brio::shield(fetch(1)).await();  // error here
#endif
}
