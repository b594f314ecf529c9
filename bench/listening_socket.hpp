#pragma once

#include <cstdint>

namespace bench {

/// The result of a system call; throws std::system_error, naming the call, where it failed.
int check(int result, const char* call);

/// A blocking TCP socket that listens on loopback, and its port.
struct listening_socket {
    int socket;
    std::uint16_t port;
};
[[nodiscard]] listening_socket listen_on_loopback();

}  // namespace bench
