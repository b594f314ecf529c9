// Brio beside boost_fiber_scheduling.cpp: the same work in the same order.

#include "workload.hpp"

#include <brio/future.hpp>
#include <brio/gather.hpp>
#include <brio/run.hpp>
#include <brio/task.hpp>

#include <benchmark/benchmark.h>
#include <cstddef>
#include <utility>
#include <vector>

namespace {

template <std::size_t Fibers>
void yield(benchmark::State& state) {
    brio::run([&state] {
        constexpr auto yield = [] { brio::yield(); };
        bench::yield_loop<Fibers> loop;
        std::vector<brio::task<void>> others;
        for (std::size_t i = 1; i < Fibers; ++i)
            others.push_back(brio::create_task([&loop, yield] { loop.run(nullptr, yield); }));
        brio::yield();
        loop.run(&state, yield);
        for (auto& other : others) other.await();
    });
}
BENCHMARK(yield<2>)->Name("brio/yield/2");
BENCHMARK(yield<1000>)->Name("brio/yield/1000");
BENCHMARK(yield<10000>)->Name("brio/yield/10000");

void task(benchmark::State& state) {
    brio::run([&state] {
        brio::create_task([] {}).await();
        for (auto _ : state) brio::create_task([] {}).await();
    });
}
BENCHMARK(task)->Name("brio/task/1");

template <std::size_t Fibers>
void gather(benchmark::State& state) {
    brio::run([&state] {
        auto body = [] {};
        const std::vector<decltype(body)> bodies(Fibers, body);
        brio::gather(bodies).await();
        while (state.KeepRunningBatch(Fibers)) brio::gather(bodies).await();
    });
}
BENCHMARK(gather<1000>)->Name("brio/gather/1000");

/// What both fibers run: wakes the fiber that waits for `turn` and waits to be woken through it in
/// return. The one that has the `state` counts, and ends the loop for both.
[[gnu::noinline]] void hand_over(brio::future<int>& turn, benchmark::State* state) {
    for (int value = 1; value != 0;) {
        value = state == nullptr || state->KeepRunningBatch(2) ? 1 : 0;
        auto answer = brio::create_future<int>();
        auto theirs = std::exchange(turn, answer);
        theirs.set_result(value);
        if (value != 0) value = answer.await();
    }
}

void handoff(benchmark::State& state) {
    brio::run([&state] {
        auto turn = brio::create_future<int>();
        auto other = brio::create_task([&turn, first = turn] {
            if (first.await() != 0) hand_over(turn, nullptr);
        });
        brio::yield();
        hand_over(turn, &state);
        other.await();
    });
}
BENCHMARK(handoff)->Name("brio/handoff/2");

template <std::size_t Fibers>
void timers(benchmark::State& state) {
    brio::loop_options options;
    options.stacks.keep = Fibers;  // Boost.Fiber's pool keeps all of its stacks warm
    const auto work = [&state] {
        const auto times = bench::sleep_times(Fibers);
        bench::lateness late;
        std::vector<brio::task<void>> started;
        started.reserve(Fibers);
        auto start_and_join = [&](auto body) {
            for (auto time : times)
                started.push_back(brio::create_task([&body, time] { body(time); }));
            for (auto& one : started) one.await();
            started.clear();
        };
        start_and_join([](auto) { brio::yield(); });
        while (state.KeepRunningBatch(Fibers)) {
            start_and_join([&late](auto time) {
                const auto due = brio::clock::now() + time;
                brio::sleep(time);
                late.woke(brio::clock::now() - due);
            });
        }
        if (late.early()) state.SkipWithError("a sleep ended early");
        state.counters["mean_lateness_us"] = late.mean_us();
    };
    brio::run(work, options);
}
BENCHMARK(timers<100000>)->Name("brio/timers/100000");

}  // namespace
