#pragma once
// A server of static files, written as one writes it for threads: socket, accept, recv, open, read,
// send, one connection after another in straight lines. On fibers each of these calls suspends.

#include "descriptor.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace crawler {

class file_server {
public:
    /// Listens on a loopback port of the kernel's choice. Each response comes `latency` late.
    /// Throws std::system_error.
    file_server(std::string root, std::chrono::milliseconds latency);

    [[nodiscard]] std::uint16_t port() const { return port_; }
    /// Serves until cancelled, each connection in a task of its own; then waits for these.
    void run() const;

private:
    void serve(const descriptor& peer) const;
    void respond(const descriptor& peer, std::string_view request_head) const;

    std::string root_;
    std::chrono::milliseconds latency_;
    descriptor listener_;
    std::uint16_t port_ = 0;
};

}  // namespace crawler
