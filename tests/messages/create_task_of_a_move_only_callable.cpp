// A task keeps its callable: one that cannot be copied must be given away.
// remedy: std::move(f) if move-only
#include <brio/brio.hpp>

#include <memory>
#include <utility>

void mistake() {
    auto read = [page = std::make_unique<int>(1)] { return *page; };
#ifdef FIXED
    brio::create_task(std::move(read));
#else
    brio::create_task(read);  // error here
#endif
}
