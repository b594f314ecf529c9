// asyncio.gather(fetch(1), fetch(2)).
// remedy: [=] { return f(x); }, a task, a future
#include <brio/brio.hpp>

int fetch(int page);

void mistake() {
#ifdef FIXED
    brio::gather([] { return fetch(1); }, [] { return fetch(2); }).await();
#else
    brio::gather(fetch(1), fetch(2)).await();  // error here
#endif
}
