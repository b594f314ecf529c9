#include "echo.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

namespace bench {
namespace {

constexpr std::uint64_t warm_up_messages = 20'000;
constexpr std::uint64_t measured_messages = 50'000;
constexpr std::uint64_t first_mark = warm_up_messages * message_bytes;
constexpr std::uint64_t last_mark = first_mark + measured_messages * message_bytes;
constexpr unsigned limit_seconds = 120;

std::vector<std::string> client_command(std::uint16_t port, unsigned connections) {
    static const auto cpus = two_cpus();  // asked before this process is moved to one of them
    const auto [server_cpu, client_cpu] = cpus;
    const std::uint64_t messages = warm_up_messages + measured_messages + connections;
    pin_to_cpu(server_cpu);
    return {program_directory() + "brio-bench-echo-client", std::to_string(port),
            std::to_string(connections), std::to_string(messages), std::to_string(client_cpu)};
}

}  // namespace

echo_client::echo_client(std::uint16_t port, unsigned connections)
    : process_(client_command(port, connections)) {
    // A server that waits for a client that never comes ends by SIGALRM.
    alarm(limit_seconds);
}

void echo_client::finish() {
    if (!process_.succeeded()) throw std::runtime_error("the echo client has failed");
    alarm(0);
}

echo_window::echo_window() : next_mark_(first_mark) {}

void echo_window::reach_mark() {
    const double cpu = process_cpu_seconds();
    const double real = monotonic_seconds();
    if (next_mark_ == first_mark) {
        cpu_start_ = cpu;
        real_start_ = real;
        next_mark_ = last_mark;
    } else {
        result_.operations = measured_messages;
        result_.cpu_seconds = cpu - cpu_start_;
        result_.real_seconds = real - real_start_;
        next_mark_ = std::numeric_limits<std::uint64_t>::max();
    }
}

measurement echo_window::result() const {
    if (result_.operations == 0)
        throw std::runtime_error("the traffic ended before it was measured");
    measurement result = result_;
    result.counters["server_ns_per_request"] = result.cpu_seconds / result.operations * 1e9;
    result.counters["requests_per_second"] = result.operations / result.real_seconds;
    return result;
}

std::vector<measurement> median_echoes(const std::vector<echo_run>& servers) {
    std::vector<std::array<measurement, 15>> runs(servers.size());
    for (std::size_t i = 0; i < runs[0].size(); ++i)
        for (std::size_t s = 0; s < servers.size(); ++s) runs[s][i] = servers[s]();
    std::vector<measurement> medians;
    for (auto& of_one : runs) {
        std::sort(of_one.begin(), of_one.end(), [](const measurement& a, const measurement& b) {
            return a.cpu_seconds < b.cpu_seconds;
        });
        medians.push_back(of_one[of_one.size() / 2]);
    }
    return medians;
}

measurement median_echo(const echo_run& server) {
    return median_echoes({server})[0];
}

}  // namespace bench
