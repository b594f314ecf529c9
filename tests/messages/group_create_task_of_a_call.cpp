// Likewise in a group.
// remedy: [=] { f(x); }, not f(x)
#include <brio/brio.hpp>

int fetch(int page);

void mistake(brio::task_group_scope& group) {
#ifdef FIXED
    group.create_task([] { return fetch(1); });
#else
    group.create_task(fetch(1));  // error here
#endif
}
