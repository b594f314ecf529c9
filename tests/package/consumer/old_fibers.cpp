// Links brio::boost_fiber, and Boost.Fiber by way of it.
#include <brio/bridge/boost_fiber.hpp>
#include <brio/brio.hpp>

#include <boost/fiber/future.hpp>
#include <cstdio>

int main() {
    return brio::boost_fiber::run([] {
        auto answer = boost::fibers::async([] {
            brio::yield();
            return 42;
        });
        const int given = answer.get();
        std::printf("old_fibers: %d\n", given);
        return given == 42 ? 0 : 1;
    });
}
