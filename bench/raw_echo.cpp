// The echo servers straight on liburing, of which the better one counts.

#include "raw_echo.hpp"

#include "fresh_process.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstdint>
#include <netinet/in.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace {

using server = void (*)(const std::vector<int>& sockets, bench::echo_window& window);

int check(int result, const char* call) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), call);
    return result;
}

struct listening_socket {
    int socket;
    std::uint16_t port;
};

listening_socket listen_on_loopback() {
    const int listener = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t length = sizeof address;
    check(bind(listener, generic, length), "bind");
    check(listen(listener, bench::backlog), "listen");
    check(getsockname(listener, generic, &length), "getsockname");
    return {listener, ntohs(address.sin_port)};
}

bench::measurement echo(server serve, unsigned connections) {
    const auto [listener, port] = listen_on_loopback();
    bench::echo_client client(port, connections);
    std::vector<int> sockets;
    for (unsigned i = 0; i < connections; ++i)
        sockets.push_back(check(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), "accept4"));
    bench::echo_window window;
    serve(sockets, window);
    for (int socket : sockets) close(socket);
    close(listener);
    client.finish();
    return window.result();
}

bench::measurement better_echo(unsigned connections) {
    bench::measurement oneshot =
        bench::median_echo([=] { return echo(bench::serve_oneshot, connections); });
    bench::measurement multishot =
        bench::median_echo([=] { return echo(bench::serve_multishot, connections); });
    bench::measurement better = oneshot.cpu_seconds < multishot.cpu_seconds ? oneshot : multishot;
    better.counters["oneshot_ns_per_request"] = oneshot.counters["server_ns_per_request"];
    better.counters["multishot_ns_per_request"] = multishot.counters["server_ns_per_request"];
    return better;
}

const bench::fresh_process_benchmark hundred("raw/echo/100", [] { return better_echo(100); });
const bench::fresh_process_benchmark thousand("raw/echo/1000", [] { return better_echo(1000); });

}  // namespace
