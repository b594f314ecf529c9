// asyncio.gather(f(), g(), return_exceptions=True).
// remedy: the flag comes first
#include <brio/brio.hpp>

int f();
int g();

void mistake() {
#ifdef FIXED
    brio::gather(brio::return_exceptions, f, g).await();
#else
    brio::gather(f, g, brio::return_exceptions).await();  // error here
#endif
}
