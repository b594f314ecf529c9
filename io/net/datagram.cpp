#include "net/address.hpp"
#include "net/failure.hpp"
#include "net/make_socket.hpp"
#include "ops/ops.hpp"

#include <brio/io/datagram.hpp>
#include <brio/task.hpp>

#include <cerrno>
#include <chrono>
#include <poll.h>
#include <string>
#include <sys/socket.h>

namespace brio::inline v0::io {
namespace {

using detail::address;
using detail::number_of;
using detail::throw_io_error;

descriptor open_udp(const address& first, const udp_options& options) {
    descriptor fd = detail::open_socket(first.base.sa_family, SOCK_DGRAM);
    if (options.reuse_port) detail::set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
    if (options.broadcast) detail::set_option(fd.get(), SOL_SOCKET, SO_BROADCAST, 1);
    return fd;
}

/// Whom a socket exchanges datagrams with, for errors.
std::string partner_of(int fd) {
    const endpoint peer = detail::peer_endpoint(fd);
    return peer.empty() ? "anybody" : peer.text();
}

/// A socket without a peer counts as writable while the queue of the unix socket to which it sends is
/// full: nothing announces that there is room.
void wait_for_room(int fd, const endpoint& peer) {
    if (detail::address(peer).base.sa_family == AF_UNIX)
        sleep(std::chrono::milliseconds(10));
    else
        static_cast<void>(detail::ops::poll(fd, POLLOUT));
}

/// Sends one datagram when there is room for it. Each attempt is one that does not block: what io_uring
/// tries again by itself it sends without the bytes that it had copied before it found the queue full.
/// `peer` is empty for the one that the socket is connected to.
void send_when_possible(const descriptor& socket, const char* call, bytes_view data,
                        const endpoint& peer) {
    iovec part = {const_cast<void*>(data.data()), data.size()};
    msghdr message = {};
    message.msg_name = const_cast<void*>(peer.data());
    message.msg_namelen = static_cast<socklen_t>(peer.size());
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    for (;;) {
        const int fd = number_of(socket, call);
        const ssize_t count = detail::ops::sendmsg(fd, &message, MSG_DONTWAIT);
        if (count >= 0) return;
        if (count != -EAGAIN)
            throw_io_error(static_cast<int>(-count), "send to",
                           peer.empty() ? partner_of(fd) : peer.text());
        wait_for_room(fd, peer);
    }
}

}  // namespace

received_datagram datagram_socket::receive(bytes_out out) {
    const int fd = number_of(fd_, "datagram_socket::receive");
    address sender;
    iovec part = {out.data(), out.size()};
    msghdr message = {};
    message.msg_name = &sender.base;
    message.msg_namelen = sender.length;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const ssize_t count = detail::ops::recvmsg(fd, &message, 0);
    if (count < 0) throw_io_error(static_cast<int>(-count), "recv from", partner_of(fd));
    return {static_cast<std::size_t>(count), (message.msg_flags & MSG_TRUNC) != 0,
            endpoint::of_sockaddr(&sender.base, message.msg_namelen)};
}

void datagram_socket::send(bytes_view data) {
    send_when_possible(fd_, "datagram_socket::send", data, {});
}

void datagram_socket::send_to(bytes_view data, const endpoint& peer) {
    send_when_possible(fd_, "datagram_socket::send_to", data, peer);
}

endpoint datagram_socket::sockname() const {
    return detail::own_endpoint(number_of(fd_, "datagram_socket::sockname"));
}

endpoint datagram_socket::peername() const {
    return detail::peer_endpoint(number_of(fd_, "datagram_socket::peername"));
}

udp_socket udp_socket::bind(std::string_view host, std::uint16_t port, const udp_options& options) {
    return detail::first_of("bind to", detail::any_if_empty(host), port, [&](const address& where) {
        descriptor fd = open_udp(where, options);
        detail::bind_to(fd, where);
        return udp_socket(std::move(fd));
    });
}

udp_socket udp_socket::connect(std::string_view host, std::uint16_t port,
                               const udp_options& options) {
    return detail::first_of("connect to", host, port, [&](const address& peer) {
        descriptor fd = open_udp(peer, options);
        if (!options.local.empty()) detail::bind_to(fd, address(options.local));
        detail::connect_to(fd, peer);
        return udp_socket(std::move(fd));
    });
}

unix_datagram_socket unix_datagram_socket::bind(std::string_view path) {
    descriptor fd = detail::open_socket(AF_UNIX, SOCK_DGRAM);
    detail::bind_to(fd, detail::unix_address(path));
    return unix_datagram_socket(std::move(fd));
}

unix_datagram_socket unix_datagram_socket::connect(std::string_view path, std::string_view local) {
    descriptor fd = detail::open_socket(AF_UNIX, SOCK_DGRAM);
    if (!local.empty()) detail::bind_to(fd, detail::unix_address(local));
    detail::connect_to(fd, detail::unix_address(path));
    return unix_datagram_socket(std::move(fd));
}

}  // namespace brio::inline v0::io
