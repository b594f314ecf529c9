// Brio beside boost_fiber_sync.cpp: the same work in the same order.

#include "workload.hpp"

#include <brio/queue.hpp>
#include <brio/run.hpp>
#include <brio/sync.hpp>
#include <brio/task.hpp>

#include <benchmark/benchmark.h>
#include <cstddef>

namespace {

void lock(benchmark::State& state) {
    brio::run([&state] {
        brio::lock lock;
        for (auto _ : state) {
            lock.acquire();
            benchmark::ClobberMemory();
            lock.release();
        }
    });
}
BENCHMARK(lock)->Name("brio/lock/1");

template <std::size_t Capacity>
void queue(benchmark::State& state) {
    brio::run([&state] {
        brio::queue<int> queue(Capacity);
        auto consumer = brio::create_task([&queue] {
            while (queue.get() != 0) continue;
        });
        while (state.KeepRunningBatch(bench::queue_batch))
            for (int i = bench::queue_batch; i > 0; --i) queue.put(i);
        queue.put(0);
        consumer.await();
    });
}
BENCHMARK(queue<2>)->Name("brio/queue/2");
BENCHMARK(queue<1024>)->Name("brio/queue/1024");

}  // namespace
