// A result has the future's type.
// remedy: one value that converts to T
#include <brio/brio.hpp>

void mistake(const brio::future<int>& answer) {
#ifdef FIXED
    answer.set_result(42);
#else
    answer.set_result("42");  // error here
#endif
}
