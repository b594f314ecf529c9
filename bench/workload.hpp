#pragma once

// What every library is asked to do, so that the figures of one name compare. All time is CPU time
// per operation, of one thread: no library starts a second one here.
//
//   yield/N    N fibers yield in turn, all from one line of code; an operation is one yield
//   task/1     one fiber is started and waited for; an operation is both
//   gather/N   N fibers are started, then all are waited for; an operation is one fiber
//   handoff/2  two fibers wake each other, each time through a future made for it; an operation
//              is one wake
//   lock/1     one fiber takes a lock that nobody wants and gives it back; an operation is both
//   queue/N    one fiber puts numbers into a queue of N, another takes them out; an operation is one
//              number. Boost.Fiber's channel of N holds N - 1
//   timers/N   N fibers are started, sleep 0 to 1 s each, and are waited for; an operation is one
//              fiber
//   parked/N   N fibers are started, wait on one future, are woken by it, and are waited for
//   echo/N     a TCP server answers N connections; an operation is one message of 64 bytes
//
// Pools are warm but in parked, which is there to fill them. Boost.Fiber gets stacks of 64 KiB;
// Brio keeps its own default, which is larger.

#include <benchmark/benchmark.h>
#include <chrono>
#include <cstddef>
#include <random>
#include <vector>

namespace bench {

/// What each of the yielding fibers runs. All of them yield from the same call, as in a program
/// whose fibers run the same code: two calls would measure how the processor mispredicts a return.
template <std::size_t Fibers>
class yield_loop {
public:
    /// The fiber that has the `state` ends the loop for all.
    template <class Yield>
    [[gnu::noinline]] void run(benchmark::State* state, Yield yield) {
        for (std::size_t left = 0; !stop_; --left) {
            if (left == 0) {
                stop_ = state != nullptr && !state->KeepRunningBatch(rounds * Fibers);
                left = rounds;
            }
            yield();
        }
    }

private:
    // Rounds in which each fiber yields once, enough to hide the cost of asking whether to go on.
    static constexpr std::size_t rounds = Fibers < 1000 ? 1000 / Fibers : 1;
    bool stop_ = false;
};

/// Numbers that are put between two questions whether to go on.
inline constexpr int queue_batch = 1000;

/// The same sleeps in every run and for every library, evenly spread over one second.
inline std::vector<std::chrono::nanoseconds> sleep_times(std::size_t count) {
    std::mt19937_64 random(count);
    std::uniform_int_distribution<std::chrono::nanoseconds::rep> below_a_second(0, 999'999'999);
    std::vector<std::chrono::nanoseconds> times(count);
    for (auto& time : times) time = std::chrono::nanoseconds(below_a_second(random));
    return times;
}

/// How late sleepers woke. One that wakes early has not slept: the benchmark then fails.
class lateness {
public:
    void woke(std::chrono::nanoseconds late) {
        early_ = early_ || late.count() < 0;
        total_ += late;
        ++count_;
    }
    [[nodiscard]] bool early() const { return early_; }
    [[nodiscard]] double mean_us() const {
        return std::chrono::duration<double, std::micro>(total_).count() / double(count_);
    }

private:
    std::chrono::nanoseconds total_{0};
    std::size_t count_ = 0;
    bool early_ = false;
};

}  // namespace bench
