// A forgotten &.
// remedy: task_group([&](auto& group) {
#include <brio/brio.hpp>

void f();

void mistake() {
#ifdef FIXED
    brio::task_group([](brio::task_group_scope& group) { group.create_task(f); });
#else
    brio::task_group([](brio::task_group_scope group) { group.create_task(f); });  // error here
#endif
}
