// async with asyncio.TaskGroup() as group: the block is the argument here.
// remedy: task_group([&](auto& group) {
#include <brio/brio.hpp>

void f();

void mistake() {
#ifdef FIXED
    brio::task_group([](auto& group) { group.create_task(f); });
#else
    auto group = brio::task_group();  // error here
#endif
}
