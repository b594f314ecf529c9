// Memory of parked fibers of Boost.Fiber, beside brio_parked.cpp. Its fastest stacks have no
// guards.

#include "boost_fiber.hpp"
#include "fresh_process.hpp"
#include "parked.hpp"

#include <boost/fiber/future.hpp>
#include <boost/fiber/operations.hpp>
#include <cstddef>
#include <vector>

namespace {

bench::measurement parked(std::size_t count) {
    bench::boost_fibers fibers;
    boost::fibers::promise<void> gate;
    const auto opened = gate.get_future().share();
    std::size_t waiting = 0;
    std::vector<boost::fibers::fiber> started;

    bench::parked_fibers measured(count);
    started.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        started.push_back(fibers.start([&waiting, &opened] {
            ++waiting;
            opened.wait();
        }));
    }
    while (waiting != count) boost::this_fiber::yield();
    measured.all_parked();

    measured.waking();
    gate.set_value();
    for (auto& one : started) one.join();
    return measured.all_joined();
}

const bench::fresh_process_benchmark ten_thousand("boost_fiber/parked/10000",
                                                  [] { return parked(10'000); });
const bench::fresh_process_benchmark hundred_thousand("boost_fiber/parked/100000",
                                                      [] { return parked(100'000); });
const bench::fresh_process_benchmark million("boost_fiber/parked/1000000",
                                             [] { return parked(1'000'000); });

}  // namespace
