// Starts this program again for one measurement, and puts its times in the place of Google
// Benchmark's.
//
// The library measures its own process and has no way to be told of another's CPU time. So the
// times travel as counters, which it also aggregates over repetitions, and the reporter moves them
// to where times belong.

#include "fresh_process.hpp"

#include "process.hpp"

#include <cstdio>
#include <exception>
#include <iomanip>
#include <iostream>
#include <limits>
#include <sstream>
#include <string_view>
#include <vector>

namespace bench {
namespace {

using Run = benchmark::BenchmarkReporter::Run;

constexpr std::string_view measure_flag = "--measure=";
constexpr const char* operations_key = "fresh_process_operations";
constexpr const char* cpu_key = "fresh_process_cpu_seconds_per_operation";
constexpr const char* real_key = "fresh_process_real_seconds_per_operation";

/// The most iterations that Google Benchmark asks for: who has run as many is not asked again.
constexpr benchmark::IterationCount all_iterations = 1'000'000'000;

auto& measures() {
    static std::map<std::string, std::function<measurement()>, std::less<>> by_name;
    return by_name;
}

using values = std::map<std::string, double>;

values values_of(const measurement& made) {
    values all = made.counters;
    all[operations_key] = made.operations;
    all[cpu_key] = made.cpu_seconds / made.operations;
    all[real_key] = made.real_seconds / made.operations;
    return all;
}

void print(const values& all) {
    std::cout << std::setprecision(std::numeric_limits<double>::max_digits10);
    for (const auto& [key, value] : all) std::cout << key << ' ' << value << '\n';
}

values parse(const std::string& text) {
    values all;
    std::istringstream words(text);
    std::string key;
    double value = 0;
    while (words >> key >> value) all[key] = value;
    return all;
}

void run(benchmark::State& state, const std::string& program, const std::string& name) {
    while (state.KeepRunningBatch(all_iterations)) {
        child_process child({program, std::string(measure_flag) + name});
        const values all = parse(child.read_output());
        if (!child.succeeded()) return state.SkipWithError("the process that measures has failed");
        for (const auto& [key, value] : all) state.counters[key] = value;
    }
}

void register_benchmark(const std::string& program, const std::string& name) {
    benchmark::RegisterBenchmark(
        name.c_str(), [program, name](benchmark::State& state) { run(state, program, name); });
}

double take(benchmark::UserCounters& counters, const char* key) {
    const double value = counters.at(key).value;
    counters.erase(key);
    return value;
}

Run with_own_times(Run run) {
    if (!run.counters.contains(operations_key)) return run;
    const double operations = take(run.counters, operations_key);
    const double cpu = take(run.counters, cpu_key);
    const double real = take(run.counters, real_key);
    if (run.run_type == Run::RT_Iteration) run.iterations = std::int64_t(operations);
    // A time is held as the sum over all iterations, a share, such as the coefficient of variation,
    // as it is.
    const bool share = run.aggregate_unit == benchmark::kPercentage;
    const double factor = share ? 1 : double(run.iterations);
    run.cpu_accumulated_time = cpu * factor;
    run.real_accumulated_time = real * factor;
    return run;
}

class reporter : public benchmark::BenchmarkReporter {
public:
    explicit reporter(benchmark::BenchmarkReporter& next) : next_(next) {}

    bool ReportContext(const Context& context) override {
        next_.SetOutputStream(&GetOutputStream());
        next_.SetErrorStream(&GetErrorStream());
        return next_.ReportContext(context);
    }
    void ReportRuns(const std::vector<Run>& runs) override {
        std::vector<Run> changed;
        for (const Run& run : runs) changed.push_back(with_own_times(run));
        next_.ReportRuns(changed);
    }
    void Finalize() override { next_.Finalize(); }

private:
    benchmark::BenchmarkReporter& next_;
};

}  // namespace

fresh_process_benchmark::fresh_process_benchmark(const std::string& name,
                                                 std::function<measurement()> measure) {
    const process_measurement here(name, std::move(measure));
    register_benchmark("/proc/self/exe", name);
}

other_program_benchmark::other_program_benchmark(const std::string& name,
                                                 const std::string& program) {
    register_benchmark(program_directory() + program, name);
}

process_measurement::process_measurement(const std::string& name,
                                         std::function<measurement()> measure) {
    measures()[name] = std::move(measure);
}

bool made_measurement(int argc, char** argv, int& status) {
    if (argc != 2 || !std::string_view(argv[1]).starts_with(measure_flag)) return false;
    const std::string name = argv[1] + measure_flag.size();
    try {
        print(values_of(measures().at(name)()));
        status = 0;
    } catch (const std::exception& error) {
        std::cerr << name << ": " << error.what() << '\n';
        status = 1;
    }
    return true;
}

std::unique_ptr<benchmark::BenchmarkReporter> with_fresh_process_times(
    benchmark::BenchmarkReporter& next) {
    return std::make_unique<reporter>(next);
}

}  // namespace bench
