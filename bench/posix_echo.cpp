// The echo server in plain blocking style, one task a connection: accept, recv and send suspend it.

#include "echo.hpp"
#include "fresh_process.hpp"

#include <brio/posix.hpp>
#include <brio/run.hpp>
#include <brio/task.hpp>

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdint>
#include <netinet/in.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace {

int check(int result, const char* call) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), call);
    return result;
}

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
        const int listener = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        socklen_t length = sizeof address;
        check(bind(listener, generic, length), "bind");
        check(listen(listener, bench::backlog), "listen");
        check(getsockname(listener, generic, &length), "getsockname");
        bench::echo_client client(ntohs(address.sin_port), connections);
        bench::echo_window window;
        std::vector<brio::task<void>> served;
        for (unsigned i = 0; i < connections; ++i) {
            const int connection = check(accept(listener, nullptr, nullptr), "accept");
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
