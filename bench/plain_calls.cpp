// What a call of libc costs where there is no fiber, on a plain thread. This file is built into two programs:
// with the libc layer linked, and without.

#include "fresh_process.hpp"
#include "process.hpp"

#include <algorithm>
#include <array>
#include <pthread.h>
#include <stdexcept>
#include <unistd.h>

namespace {

constexpr int rounds = 5;

/// The median round of `calls` calls.
template <class Call>
bench::measurement timed(int calls, Call call) {
    std::array<bench::measurement, rounds> made;
    for (bench::measurement& m : made) {
        const double cpu = bench::process_cpu_seconds();
        const double real = bench::monotonic_seconds();
        for (int i = 0; i < calls; ++i) call();
        m.operations = calls;
        m.cpu_seconds = bench::process_cpu_seconds() - cpu;
        m.real_seconds = bench::monotonic_seconds() - real;
    }
    std::sort(made.begin(), made.end(),
              [](const auto& a, const auto& b) { return a.cpu_seconds < b.cpu_seconds; });
    return made[rounds / 2];
}

bench::measurement lock_and_unlock() {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    return timed(20'000'000, [&] {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    });
}

/// With the write that brings the byte.
bench::measurement read_from_pipe() {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) throw std::runtime_error("pipe");
    return timed(1'000'000, [&] {
        char byte = 0;
        if (write(ends[1], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1)
            throw std::runtime_error("the pipe");
    });
}

const bench::process_measurement mutex(BENCH_LIBRARY "/plain_mutex/1", lock_and_unlock);
const bench::process_measurement pipe_read(BENCH_LIBRARY "/plain_read/1", read_from_pipe);

}  // namespace
