// The echo servers straight on liburing, of which the better one counts.

#include "raw_echo.hpp"

#include "fresh_process.hpp"
#include "listening_socket.hpp"

#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

using server = void (*)(const std::vector<int>& sockets, bench::echo_window& window);

bench::measurement echo(server serve, unsigned connections) {
    const auto [listener, port] = bench::listen_on_loopback();
    bench::echo_client client(port, connections);
    std::vector<int> sockets;
    for (unsigned i = 0; i < connections; ++i)
        sockets.push_back(
            bench::check(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), "accept4"));
    bench::echo_window window;
    serve(sockets, window);
    for (int socket : sockets) close(socket);
    close(listener);
    client.finish();
    return window.result();
}

bench::measurement better_echo(unsigned connections) {
    const auto [serve_oneshot, serve_multishot] = bench::raw_echoes(connections);
    auto medians = bench::median_echoes({serve_oneshot, serve_multishot});
    bench::measurement& oneshot = medians[0];
    bench::measurement& multishot = medians[1];
    bench::measurement better = oneshot.cpu_seconds < multishot.cpu_seconds ? oneshot : multishot;
    better.counters["oneshot_ns_per_request"] = oneshot.counters["server_ns_per_request"];
    better.counters["multishot_ns_per_request"] = multishot.counters["server_ns_per_request"];
    return better;
}

const bench::fresh_process_benchmark hundred("raw/echo/100", [] { return better_echo(100); });
const bench::fresh_process_benchmark thousand("raw/echo/1000", [] { return better_echo(1000); });

}  // namespace

std::array<bench::echo_run, 2> bench::raw_echoes(unsigned connections) {
    return {[=] { return echo(serve_oneshot, connections); },
            [=] { return echo(serve_multishot, connections); }};
}
