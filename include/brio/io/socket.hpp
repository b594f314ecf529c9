#pragma once
// The native API for stream sockets: unbuffered, move-only owners. Not in asyncio, whose streams are
// buffered and stand above this.
//
// For all calls that suspend, unless they say otherwise:
// - **Suspends** until the kernel has answered. For a task of a running loop; usage_error elsewhere.
// - **Cancellation** a cancellation point. A result that has arrived wins: it is returned, and the
//   cancel is delivered at the next suspension. So no byte and no connection gets lost.
// - **Throws** std::system_error whose what() names the call and the peer; timeout_error where the
//   kernel says ETIMEDOUT; usage_error when the socket is closed or moved from.
// - **Ownership** the caller's memory is used until the call returns.
// Sockets stay in blocking mode, so that a descriptor can be given to C code.

#include <brio/bytes.hpp>
#include <brio/io/descriptor.hpp>
#include <brio/io/endpoint.hpp>
#include <brio/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace brio::inline v0::io {

/// What TCP and unix streams have in common.
class stream_socket {
public:
    /// 1 to out.size() bytes, as soon as there are some; 0 at the end of the stream (or when out is
    /// empty). Returns the count.
    [[nodiscard]] std::size_t read(bytes_out out);
    /// At least one byte, as many as fit at once; returns the count. 0 when data is empty.
    [[nodiscard]] std::size_t write_some(bytes_view data);
    /// All of it. When it throws, an unknown part has been sent. A broken connection throws (EPIPE,
    /// ECONNRESET) and raises no SIGPIPE.
    void write(bytes_view data);
    /// No more will be sent: the peer reads the end of the stream. Does not suspend.
    void shutdown_write();
    [[nodiscard]] endpoint sockname() const;
    /// Empty when the connection is lost.
    [[nodiscard]] endpoint peername() const;
    /// Does not suspend. What the kernel has taken is still sent.
    void close() noexcept { fd_.close(); }
    /// -1 when closed. Stays this object's.
    [[nodiscard]] int native_handle() const noexcept { return fd_.get(); }

protected:
    explicit stream_socket(descriptor fd) noexcept : fd_(std::move(fd)) {}

private:
    descriptor fd_;
};

/// A TCP connection. TCP_NODELAY is set, as in asyncio: what is written goes out at once.
class tcp_stream : public stream_socket {
public:
    /// `host` is a numeric address, or a name, which is looked up on a helper thread; its addresses
    /// are tried in turn, and the last error is thrown. When cancelled nothing stays open.
    [[nodiscard]] static tcp_stream connect(std::string_view host, std::uint16_t port);
    /// Takes ownership of a connected TCP socket.
    explicit tcp_stream(descriptor fd) noexcept : stream_socket(std::move(fd)) {}
    /// Off: small writes are collected into larger packets (TCP_NODELAY).
    void set_nodelay(bool on);
    /// On: a peer that has vanished is found out after some hours of silence (SO_KEEPALIVE).
    void set_keepalive(bool on);
};

/// A unix-domain stream connection.
class unix_stream : public stream_socket {
public:
    /// A path that begins with a 0 byte is an abstract name. std::invalid_argument when it is empty
    /// or too long.
    [[nodiscard]] static unix_stream connect(std::string_view path);
    explicit unix_stream(descriptor fd) noexcept : stream_socket(std::move(fd)) {}
};

struct listen_options {
    int backlog = 128;        // connections that wait for accept()
    bool reuse_port = false;  // several sockets share the port (SO_REUSEPORT)
};

/// Listens from construction on, with SO_REUSEADDR.
class tcp_listener {
public:
    /// Does not suspend: `host` is a numeric address, "" for all IPv4 ones; std::invalid_argument
    /// otherwise. Port 0 takes a free one.
    tcp_listener(std::string_view host, std::uint16_t port, const listen_options& options = {});
    /// The next connection.
    [[nodiscard]] tcp_stream accept();
    [[nodiscard]] endpoint sockname() const;
    [[nodiscard]] std::uint16_t port() const;
    void close() noexcept { fd_.close(); }
    [[nodiscard]] int native_handle() const noexcept { return fd_.get(); }

private:
    descriptor fd_;
};

/// Does not remove the path when it dies.
class unix_listener {
public:
    explicit unix_listener(std::string_view path, int backlog = 128);
    [[nodiscard]] unix_stream accept();
    void close() noexcept { fd_.close(); }
    [[nodiscard]] int native_handle() const noexcept { return fd_.get(); }

private:
    descriptor fd_;
};

}  // namespace brio::inline v0::io
