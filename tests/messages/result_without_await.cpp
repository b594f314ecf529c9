// A forgotten await: a handle is not the result.
// remedy: .await() it
#include <brio/brio.hpp>

int count();

auto mistake() {
#ifdef FIXED
    int pages = brio::create_task(count).await();
#else
    int pages = brio::create_task(count);  // error here
#endif
    return pages;
}
