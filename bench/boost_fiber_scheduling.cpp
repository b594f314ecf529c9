// Boost.Fiber beside brio_scheduling.cpp: the same work in the same order.

#include "boost_fiber.hpp"
#include "workload.hpp"

#include <benchmark/benchmark.h>
#include <boost/fiber/future.hpp>
#include <boost/fiber/operations.hpp>
#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

namespace {

using boost::fibers::fiber;
using boost::fibers::promise;

template <std::size_t Fibers>
void yield(benchmark::State& state) {
    bench::boost_fibers fibers;
    constexpr auto yield = [] { boost::this_fiber::yield(); };
    bench::yield_loop<Fibers> loop;
    std::vector<fiber> others;
    for (std::size_t i = 1; i < Fibers; ++i)
        others.push_back(fibers.start([&loop, yield] { loop.run(nullptr, yield); }));
    boost::this_fiber::yield();
    loop.run(&state, yield);
    for (fiber& other : others) other.join();
}
BENCHMARK(yield<2>)->Name("boost_fiber/yield/2");
BENCHMARK(yield<1000>)->Name("boost_fiber/yield/1000");
BENCHMARK(yield<10000>)->Name("boost_fiber/yield/10000");

void task(benchmark::State& state) {
    bench::boost_fibers fibers;
    fibers.start([] {}).join();
    for (auto _ : state) fibers.start([] {}).join();
}
BENCHMARK(task)->Name("boost_fiber/task/1");

template <std::size_t Fibers>
void gather(benchmark::State& state) {
    bench::boost_fibers fibers;
    std::vector<fiber> started;
    started.reserve(Fibers);
    auto start_and_join = [&] {
        for (std::size_t i = 0; i < Fibers; ++i) started.push_back(fibers.start([] {}));
        for (fiber& one : started) one.join();
        started.clear();
    };
    start_and_join();
    while (state.KeepRunningBatch(Fibers)) start_and_join();
}
BENCHMARK(gather<1000>)->Name("boost_fiber/gather/1000");

/// What both fibers run: wakes the fiber that waits for `turn` and waits to be woken through it in
/// return. The one that has the `state` counts, and ends the loop for both.
[[gnu::noinline]] void hand_over(promise<int>& turn, benchmark::State* state) {
    for (int value = 1; value != 0;) {
        value = state == nullptr || state->KeepRunningBatch(2) ? 1 : 0;
        promise<int> mine;
        auto answer = mine.get_future();
        promise<int> theirs = std::exchange(turn, std::move(mine));
        theirs.set_value(value);
        if (value != 0) value = answer.get();
    }
}

void handoff(benchmark::State& state) {
    bench::boost_fibers fibers;
    promise<int> turn;
    fiber other = fibers.start([&turn, first = turn.get_future()]() mutable {
        if (first.get() != 0) hand_over(turn, nullptr);
    });
    boost::this_fiber::yield();
    hand_over(turn, &state);
    other.join();
}
BENCHMARK(handoff)->Name("boost_fiber/handoff/2");

template <std::size_t Fibers>
void timers(benchmark::State& state) {
    using clock = std::chrono::steady_clock;
    bench::boost_fibers fibers;
    const auto times = bench::sleep_times(Fibers);
    bench::lateness late;
    std::vector<fiber> started;
    started.reserve(Fibers);
    auto start_and_join = [&](auto body) {
        for (auto time : times) started.push_back(fibers.start([&body, time] { body(time); }));
        for (fiber& one : started) one.join();
        started.clear();
    };
    start_and_join([](auto) { boost::this_fiber::yield(); });
    while (state.KeepRunningBatch(Fibers)) {
        start_and_join([&late](auto time) {
            const auto due = clock::now() + time;
            boost::this_fiber::sleep_for(time);
            late.woke(clock::now() - due);
        });
    }
    if (late.early()) state.SkipWithError("a sleep ended early");
    state.counters["mean_lateness_us"] = late.mean_us();
}
BENCHMARK(timers<100000>)->Name("boost_fiber/timers/100000");

}  // namespace
