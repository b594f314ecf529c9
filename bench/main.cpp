// The benchmarks of every library in one program. Each file registers its own.

#include "fresh_process.hpp"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <boost/version.hpp>
#include <string_view>

int main(int argc, char** argv) {
    int status = 0;
    if (bench::made_measurement(argc, argv, status)) return status;

    const bool to_file = std::any_of(argv, argv + argc, [](std::string_view argument) {
        return argument.starts_with("--benchmark_out=");
    });
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::AddCustomContext("boost_version", BOOST_LIB_VERSION);

    benchmark::JSONReporter json;
    const auto display =
        bench::with_fresh_process_times(*benchmark::CreateDefaultDisplayReporter());
    const auto file = bench::with_fresh_process_times(json);
    benchmark::RunSpecifiedBenchmarks(display.get(), to_file ? file.get() : nullptr);
    benchmark::Shutdown();
}
