#pragma once

#include <benchmark/benchmark.h>
#include <functional>
#include <map>
#include <memory>
#include <string>

// Benchmarks whose every measurement is made by a new process of this program, which takes the time
// itself: what ran before leaves no warm heap or page behind, and a server can be told from its
// setting up.

namespace bench {

struct measurement {
    double operations = 0;
    double cpu_seconds = 0;   // for all operations
    double real_seconds = 0;  // likewise
    std::map<std::string, double> counters = {};
};

// The next three are made with static storage duration.

/// What a process of this program measures when it is asked for `name`; what it throws is the benchmark's
/// error.
class process_measurement {
public:
    process_measurement(const std::string& name, std::function<measurement()> measure);
};

/// A benchmark, and its measurement in this program.
class fresh_process_benchmark {
public:
    fresh_process_benchmark(const std::string& name, std::function<measurement()> measure);
};

/// A benchmark whose measurement is in another program, beside this one: it is linked differently.
class other_program_benchmark {
public:
    other_program_benchmark(const std::string& name, const std::string& program);
};

/// Whether this process was started to make one measurement. Then it is made, and main returns
/// `status`.
[[nodiscard]] bool made_measurement(int argc, char** argv, int& status);

/// Passes on what it is told to `reporter`, with the times that fresh processes have taken.
[[nodiscard]] std::unique_ptr<benchmark::BenchmarkReporter> with_fresh_process_times(
    benchmark::BenchmarkReporter& reporter);

}  // namespace bench
