// A forgotten await: nothing waits.
// remedy: .await() it
#include <brio/brio.hpp>

void f();
void g();

void mistake() {
#ifdef FIXED
    brio::gather(f, g).await();
#else
    brio::gather(f, g);  // error here
#endif
}
