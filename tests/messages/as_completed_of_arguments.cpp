// as_completed takes one iterable, gather takes arguments.
// remedy: one range of callables, tasks or futures
#include <brio/brio.hpp>

#include <array>

int f();
int g();

void mistake() {
#ifdef FIXED
    for (auto& task : brio::as_completed(std::array{f, g})) task.await();
#else
    for (auto& task : brio::as_completed(f, g)) task.await();  // error here
#endif
}
