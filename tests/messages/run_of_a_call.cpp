// asyncio.run(main()).
// remedy: [=] { f(x); }, not f(x)
#include <brio/brio.hpp>

int program();

int mistake() {
#ifdef FIXED
    return brio::run(program);
#else
    return brio::run(program());  // error here
#endif
}
