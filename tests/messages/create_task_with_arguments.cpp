// As std::thread takes them.
// remedy: [=] { f(x); }, not f(x)
#include <brio/brio.hpp>

int fetch(int page);

void mistake(int page) {
#ifdef FIXED
    brio::create_task([=] { return fetch(page); });
#else
    brio::create_task(fetch, page);  // error here
#endif
}
