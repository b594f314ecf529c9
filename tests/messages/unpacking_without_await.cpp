// A forgotten await: the results are not there yet.
// remedy: .await() it
#include <brio/brio.hpp>

int f();
int g();

auto mistake() {
#ifdef FIXED
    auto [a, b] = brio::gather(f, g).await();
#else
    auto [a, b] = brio::gather(f, g);  // error here
#endif
    return a + b;
}
