#include "net/address.hpp"
#include "net/failure.hpp"
#include "ops/ops.hpp"

#include <brio/io/socket.hpp>

#include <cerrno>
#include <netinet/tcp.h>
#include <stdexcept>
#include <string>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace brio::inline v0::io {
namespace {

using detail::address;
using detail::throw_io_error;

/// Raw system calls: libc's names may be interposed, and these never block.
long set_option(int fd, int level, int option, int value) noexcept {
    return ::syscall(SYS_setsockopt, fd, level, option, &value, sizeof value);
}

int required(const descriptor& fd, const char* call) {
    if (fd.get() < 0) detail::throw_closed(call);
    return fd.get();
}

descriptor open_socket(int family) {
    const long fd = ::syscall(SYS_socket, family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) throw_io_error(errno, "socket", "");
    return descriptor(static_cast<int>(fd));
}

descriptor connect_to(const address& peer) {
    descriptor fd = open_socket(peer.base.sa_family);
    const int status = detail::ops::connect(fd.get(), &peer.base, peer.length);
    if (status < 0) throw_io_error(-status, "connect to", peer.text());
    return fd;
}

tcp_stream without_delay(descriptor fd) {
    set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    return tcp_stream(std::move(fd));
}

descriptor listen_on(const address& where, int backlog) {
    descriptor fd = open_socket(where.base.sa_family);
    if (where.base.sa_family != AF_UNIX) set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (::syscall(SYS_bind, fd.get(), &where.base, where.length) != 0)
        throw_io_error(errno, "bind to", where.text());
    if (::syscall(SYS_listen, fd.get(), backlog) != 0)
        throw_io_error(errno, "listen on", where.text());
    return fd;
}

descriptor accept_from(const descriptor& listener, const char* call) {
    const int fd = detail::ops::accept(required(listener, call), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) throw_io_error(-fd, "accept", "");
    return descriptor(fd);
}

}  // namespace

std::size_t stream_socket::read(bytes_out out) {
    const int fd = required(fd_, "stream_socket::read");
    if (out.size() == 0) return 0;
    const ssize_t count = detail::ops::recv(fd, out.data(), out.size());
    if (count < 0) throw_io_error(static_cast<int>(-count), "recv from", detail::peer_of(fd));
    return static_cast<std::size_t>(count);
}

std::size_t stream_socket::write_some(bytes_view data) {
    const int fd = required(fd_, "stream_socket::write");
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
    const int fd = required(fd_, "stream_socket::shutdown_write");
    if (::syscall(SYS_shutdown, fd, SHUT_WR) != 0)
        throw_io_error(errno, "shutdown of the connection to", detail::peer_of(fd));
}

tcp_stream tcp_stream::connect(std::string_view host, std::uint16_t port) {
    address peer;
    if (detail::parse_numeric(host, port, peer)) return without_delay(connect_to(peer));
    const std::vector<address> candidates = detail::look_up(host, port);
    for (std::size_t i = 0; i + 1 < candidates.size(); ++i) {
        try {
            return without_delay(connect_to(candidates[i]));
        } catch (const std::system_error&) {
            continue;  // the next one may answer
        }
    }
    if (candidates.empty()) throw_io_error(EADDRNOTAVAIL, "connect to", std::string(host));
    return without_delay(connect_to(candidates.back()));
}

unix_stream unix_stream::connect(std::string_view path) {
    return unix_stream(connect_to(detail::unix_address(path)));
}

tcp_listener::tcp_listener(std::string_view host, std::uint16_t port, int backlog) {
    address where;
    if (!detail::parse_numeric(host.empty() ? "0.0.0.0" : host, port, where))
        throw std::invalid_argument("tcp_listener: not a numeric address: " + std::string(host));
    fd_ = listen_on(where, backlog);
}

tcp_stream tcp_listener::accept() {
    return without_delay(accept_from(fd_, "tcp_listener::accept"));
}

std::uint16_t tcp_listener::port() const {
    address own;
    if (::syscall(SYS_getsockname, required(fd_, "tcp_listener::port"), &own.base, &own.length) !=
        0)
        throw_io_error(errno, "getsockname", "");
    return ntohs(own.base.sa_family == AF_INET6 ? own.v6.sin6_port : own.v4.sin_port);
}

unix_listener::unix_listener(std::string_view path, int backlog)
    : fd_(listen_on(detail::unix_address(path), backlog)) {}

unix_stream unix_listener::accept() {
    return unix_stream(accept_from(fd_, "unix_listener::accept"));
}

}  // namespace brio::inline v0::io
