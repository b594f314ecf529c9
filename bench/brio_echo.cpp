// The echo server on Brio's native sockets, one task a connection.

#include "echo.hpp"
#include "fresh_process.hpp"
#include "raw_echo.hpp"

#include <brio/io/socket.hpp>
#include <brio/run.hpp>
#include <brio/task.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace {

void serve(brio::io::tcp_stream stream, bench::echo_window& window) {
    std::array<char, bench::read_bytes> buffer{};
    while (const std::size_t bytes = stream.read(buffer)) {
        stream.write(std::span(buffer.data(), bytes));
        window.sent(bytes);
    }
}

bench::measurement echo(unsigned connections) {
    return brio::run([connections] {
        brio::io::tcp_listener listener("127.0.0.1", 0, {.backlog = bench::backlog});
        bench::echo_client client(listener.port(), connections);
        bench::echo_window window;
        std::vector<brio::task<void>> served;
        for (unsigned i = 0; i < connections; ++i) {
            served.push_back(brio::create_task([&window, stream = listener.accept()]() mutable {
                serve(std::move(stream), window);
            }));
        }
        for (auto& one : served) one.await();
        client.finish();
        return window.result();
    });
}

/// Beside the raw servers, one run of each in turn: the machine's pace changes within seconds.
bench::measurement echo_beside_raw(unsigned connections) {
    const auto [oneshot, multishot] = bench::raw_echoes(connections);
    auto medians = bench::median_echoes({[=] { return echo(connections); }, oneshot, multishot});
    const auto ns = [](const bench::measurement& m) {
        return m.counters.at("server_ns_per_request");
    };
    medians[0].counters["raw_server_ns_per_request"] = std::min(ns(medians[1]), ns(medians[2]));
    return medians[0];
}

bench::measurement echo_100() {
    return bench::median_echo([] { return echo(100); });
}
bench::measurement echo_1000() {
    return bench::median_echo([] { return echo(1000); });
}

const bench::fresh_process_benchmark hundred("brio/echo/100", [] { return echo_beside_raw(100); });
const bench::fresh_process_benchmark thousand("brio/echo/1000",
                                              [] { return echo_beside_raw(1000); });
// The peer of the server in plain blocking style (posix_echo.cpp).
const bench::fresh_process_benchmark native_hundred("native/plain_echo/100", echo_100);
const bench::fresh_process_benchmark native_thousand("native/plain_echo/1000", echo_1000);

}  // namespace
