// The result is moved out of the task, so the handle is given away.
// remedy: std::move() if move-only
#include <brio/brio.hpp>

#include <memory>
#include <utility>

using text = std::unique_ptr<char[]>;

void mistake(brio::task<text> page) {
#ifdef FIXED
    brio::gather(std::move(page)).await();
#else
    brio::gather(page).await();  // error here
#endif
}
