#include "listening_socket.hpp"

#include "echo.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <sys/socket.h>
#include <system_error>

namespace bench {

int check(int result, const char* call) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), call);
    return result;
}

listening_socket listen_on_loopback() {
    const int listener = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t length = sizeof address;
    check(bind(listener, generic, length), "bind");
    check(listen(listener, backlog), "listen");
    check(getsockname(listener, generic, &length), "getsockname");
    return {listener, ntohs(address.sin_port)};
}

}  // namespace bench
