// create_task(coroutine(), name="loader").
// remedy: {.name = "..."}
#include <brio/brio.hpp>

void load();

void mistake() {
#ifdef FIXED
    brio::create_task(load, {.name = "loader"});
#else
    brio::create_task(load, "loader");  // error here
#endif
}
