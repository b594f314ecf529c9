// The echo server in plain blocking style, one task a connection: accept, recv and send suspend it.

#include "echo.hpp"
#include "fresh_process.hpp"
#include "listening_socket.hpp"

#include <brio/posix.hpp>
#include <brio/run.hpp>
#include <brio/task.hpp>

#include <array>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

void serve(int connection, bench::echo_window& window) {
    std::array<char, bench::read_bytes> buffer{};
    for (;;) {
        const ssize_t bytes = recv(connection, buffer.data(), buffer.size(), 0);
        if (bytes <= 0 || send(connection, buffer.data(), std::size_t(bytes), 0) != bytes) break;
        window.sent(std::size_t(bytes));
    }
    close(connection);
}

bench::measurement echo(unsigned connections) {
    brio::posix::require();
    return brio::run([connections] {
        const auto [listener, port] = bench::listen_on_loopback();
        bench::echo_client client(port, connections);
        bench::echo_window window;
        std::vector<brio::task<void>> served;
        for (unsigned i = 0; i < connections; ++i) {
            const int connection = bench::check(accept(listener, nullptr, nullptr), "accept");
            served.push_back(
                brio::create_task([&window, connection] { serve(connection, window); }));
        }
        for (auto& one : served) one.await();
        client.finish();
        close(listener);
        return window.result();
    });
}

const bench::process_measurement hundred("brio/plain_echo/100", [] {
    return bench::median_echo([] { return echo(100); });
});
const bench::process_measurement thousand("brio/plain_echo/1000", [] {
    return bench::median_echo([] { return echo(1000); });
});

}  // namespace
