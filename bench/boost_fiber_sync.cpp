// Boost.Fiber beside brio_sync.cpp: the same work in the same order.

#include "boost_fiber.hpp"
#include "workload.hpp"

#include <benchmark/benchmark.h>
#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/mutex.hpp>
#include <cstddef>

namespace {

void lock(benchmark::State& state) {
    boost::fibers::mutex mutex;
    for (auto _ : state) {
        mutex.lock();
        benchmark::ClobberMemory();
        mutex.unlock();
    }
}
BENCHMARK(lock)->Name("boost_fiber/lock/1");

template <std::size_t Capacity>
void queue(benchmark::State& state) {
    bench::boost_fibers fibers;
    boost::fibers::buffered_channel<int> channel(Capacity);
    auto consumer = fibers.start([&channel] {
        while (channel.value_pop() != 0) continue;
    });
    while (state.KeepRunningBatch(bench::queue_batch))
        for (int i = bench::queue_batch; i > 0; --i) channel.push(i);
    channel.push(0);
    consumer.join();
}
BENCHMARK(queue<2>)->Name("boost_fiber/queue/2");
BENCHMARK(queue<1024>)->Name("boost_fiber/queue/1024");

}  // namespace
