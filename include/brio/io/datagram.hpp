#pragma once
// The native API for datagrams: UDP, and unix-domain ones. asyncio's create_datagram_endpoint, with
// calls that suspend where a protocol has callbacks. The rules of <brio/io/socket.hpp> hold: what
// suspends, cancels, throws. A datagram is sent or received whole, or not at all.

#include <brio/bytes.hpp>
#include <brio/io/descriptor.hpp>
#include <brio/io/endpoint.hpp>
#include <brio/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace brio::inline v0::io {

struct received_datagram {
    std::size_t size;  // bytes in the caller's buffer; 0 is a datagram too
    bool truncated;    // it was longer: the rest is lost
    endpoint sender;   // empty: a unix socket without a path
};

/// What UDP and unix datagrams have in common. Any number of tasks may send and receive at once.
class datagram_socket {
public:
    /// The next datagram. Suspends until there is one.
    /// **Throws** what asyncio gives to error_received, once each, and the socket stays usable: a
    /// connected one is told of ICMP errors (ECONNREFUSED: nobody is there).
    [[nodiscard]] received_datagram receive(bytes_out out);
    /// To the peer of a connected socket. Suspends while the socket's buffer is full, which asyncio's
    /// sendto does not: it buffers without limit. **Throws** EMSGSIZE when it is too long for one
    /// datagram, and errors of earlier ones (ECONNREFUSED): nothing has been sent then.
    void send(bytes_view data);
    /// To `peer`, whatever the socket is connected to.
    void send_to(bytes_view data, const endpoint& peer);
    [[nodiscard]] endpoint sockname() const;
    /// Empty when not connected.
    [[nodiscard]] endpoint peername() const;
    /// Does not suspend.
    void close() noexcept { fd_.close(); }
    /// -1 when closed. Stays this object's.
    [[nodiscard]] int native_handle() const noexcept { return fd_.get(); }

protected:
    explicit datagram_socket(descriptor fd) noexcept : fd_(std::move(fd)) {}

private:
    descriptor fd_;
};

struct udp_options {
    endpoint local = {};      // of connect(): where it sends from; the system's choice when empty
    bool reuse_port = false;  // several sockets share the port (SO_REUSEPORT)
    bool broadcast = false;   // may send to broadcast addresses
};

class udp_socket : public datagram_socket {
public:
    /// Receives from everybody. `host` is a numeric address, "" for all IPv4 ones, or a name, which is
    /// looked up on a helper thread. Port 0 takes a free one: sockname(). Suspends for names only.
    [[nodiscard]] static udp_socket bind(std::string_view host, std::uint16_t port,
                                         const udp_options& options = {});
    /// Sends to and receives from one peer; `host` as of bind(). The addresses of a name are tried in
    /// turn, but UDP cannot tell whether anybody is there.
    [[nodiscard]] static udp_socket connect(std::string_view host, std::uint16_t port,
                                            const udp_options& options = {});
    /// Takes ownership of a UDP socket.
    explicit udp_socket(descriptor fd) noexcept : datagram_socket(std::move(fd)) {}
};

/// Reliable and in order, and send() waits for the receiver. Does not remove its path when it dies.
class unix_datagram_socket : public datagram_socket {
public:
    /// Paths are as those of unix_stream::connect. Does not suspend.
    [[nodiscard]] static unix_datagram_socket bind(std::string_view path);
    /// `local` is where answers go; "" for none.
    [[nodiscard]] static unix_datagram_socket connect(std::string_view path,
                                                      std::string_view local = {});
    explicit unix_datagram_socket(descriptor fd) noexcept : datagram_socket(std::move(fd)) {}
};

}  // namespace brio::inline v0::io
