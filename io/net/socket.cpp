#include "net/address.hpp"
#include "net/failure.hpp"
#include "net/make_socket.hpp"
#include "ops/ops.hpp"

#include <brio/io/socket.hpp>

#include <cerrno>
#include <netinet/tcp.h>
#include <stdexcept>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

namespace brio::inline v0::io {
namespace {

using detail::address;
using detail::number_of;
using detail::throw_io_error;

descriptor connected_to(const address& peer) {
    descriptor fd = detail::open_socket(peer.base.sa_family, SOCK_STREAM);
    detail::connect_to(fd, peer);
    return fd;
}

tcp_stream without_delay(descriptor fd) {
    tcp_stream stream(std::move(fd));
    stream.set_nodelay(true);
    return stream;
}

descriptor listen_on(const address& where, const listen_options& options) {
    descriptor fd = detail::open_socket(where.base.sa_family, SOCK_STREAM);
    if (where.base.sa_family != AF_UNIX) detail::set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (options.reuse_port) detail::set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
    detail::bind_to(fd, where);
    if (::syscall(SYS_listen, fd.get(), options.backlog) != 0)
        throw_io_error(errno, "listen on", where.text());
    return fd;
}

descriptor accept_from(const descriptor& listener, const char* call) {
    const int fd = detail::ops::accept(number_of(listener, call), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) throw_io_error(-fd, "accept", "");
    return descriptor(fd);
}

}  // namespace

std::size_t stream_socket::read(bytes_out out) {
    const int fd = number_of(fd_, "stream_socket::read");
    if (out.size() == 0) return 0;
    const ssize_t count = detail::ops::recv(fd, out.data(), out.size());
    if (count < 0) throw_io_error(static_cast<int>(-count), "recv from", detail::peer_of(fd));
    return static_cast<std::size_t>(count);
}

std::size_t stream_socket::write_some(bytes_view data) {
    const int fd = number_of(fd_, "stream_socket::write");
    if (data.size() == 0) return 0;
    const ssize_t count = detail::ops::send(fd, data.data(), data.size());
    if (count < 0) throw_io_error(static_cast<int>(-count), "send to", detail::peer_of(fd));
    return static_cast<std::size_t>(count);
}

void stream_socket::write(bytes_view data) {
    std::string_view rest(static_cast<const char*>(data.data()), data.size());
    while (!rest.empty()) rest.remove_prefix(write_some(rest));
}

void stream_socket::shutdown_write() {
    const int fd = number_of(fd_, "stream_socket::shutdown_write");
    if (::syscall(SYS_shutdown, fd, SHUT_WR) != 0)
        throw_io_error(errno, "shutdown of the connection to", detail::peer_of(fd));
}

endpoint stream_socket::sockname() const {
    return detail::own_endpoint(number_of(fd_, "stream_socket::sockname"));
}

endpoint stream_socket::peername() const {
    return detail::peer_endpoint(number_of(fd_, "stream_socket::peername"));
}

tcp_stream tcp_stream::connect(std::string_view host, std::uint16_t port) {
    return detail::first_of("connect to", host, port,
                            [](const address& peer) { return without_delay(connected_to(peer)); });
}

void tcp_stream::set_nodelay(bool on) {
    const int fd = number_of(native_handle(), "tcp_stream::set_nodelay");
    detail::set_option(fd, IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0);
}

void tcp_stream::set_keepalive(bool on) {
    const int fd = number_of(native_handle(), "tcp_stream::set_keepalive");
    detail::set_option(fd, SOL_SOCKET, SO_KEEPALIVE, on ? 1 : 0);
}

unix_stream unix_stream::connect(std::string_view path) {
    return unix_stream(connected_to(detail::unix_address(path)));
}

tcp_listener::tcp_listener(std::string_view host, std::uint16_t port,
                           const listen_options& options) {
    address where;
    if (!detail::parse_numeric(detail::any_if_empty(host), port, where))
        throw std::invalid_argument("tcp_listener: not a numeric address: " + std::string(host));
    fd_ = listen_on(where, options);
}

tcp_stream tcp_listener::accept() {
    return without_delay(accept_from(fd_, "tcp_listener::accept"));
}

endpoint tcp_listener::sockname() const {
    return detail::own_endpoint(number_of(fd_, "tcp_listener::sockname"));
}

std::uint16_t tcp_listener::port() const {
    return detail::own_endpoint(number_of(fd_, "tcp_listener::port")).port();
}

unix_listener::unix_listener(std::string_view path, int backlog)
    : fd_(listen_on(detail::unix_address(path), {.backlog = backlog})) {}

unix_stream unix_listener::accept() {
    return unix_stream(accept_from(fd_, "unix_listener::accept"));
}

}  // namespace brio::inline v0::io
