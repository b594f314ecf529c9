#include "net/make_socket.hpp"

#include "net/failure.hpp"
#include "ops/ops.hpp"

#include <cerrno>
#include <string>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace brio::inline v0::detail {

io::descriptor open_socket(int family, int type) {
    const long fd = ::syscall(SYS_socket, family, type | SOCK_CLOEXEC, 0);
    if (fd < 0) throw_io_error(errno, "socket", "");
    return io::descriptor(static_cast<int>(fd));
}

void bind_to(const io::descriptor& fd, const address& where) {
    if (::syscall(SYS_bind, fd.get(), &where.base, where.length) != 0)
        throw_io_error(errno, "bind to", where.text());
}

void connect_to(const io::descriptor& fd, const address& peer) {
    const int status = ops::connect(fd.get(), &peer.base, peer.length);
    if (status < 0) throw_io_error(-status, "connect to", peer.text());
}

void set_option(int fd, int level, int option, int value) {
    if (::syscall(SYS_setsockopt, fd, level, option, &value, sizeof value) != 0)
        throw_io_error(errno, "setsockopt of", "descriptor " + std::to_string(fd));
}

io::endpoint own_endpoint(int fd) {
    address own;
    if (::syscall(SYS_getsockname, fd, &own.base, &own.length) != 0)
        throw_io_error(errno, "getsockname of", "descriptor " + std::to_string(fd));
    return io::endpoint::of_sockaddr(&own.base, own.length);
}

io::endpoint peer_endpoint(int fd) {
    address peer;
    if (::syscall(SYS_getpeername, fd, &peer.base, &peer.length) != 0) return {};
    return io::endpoint::of_sockaddr(&peer.base, peer.length);
}

}  // namespace brio::inline v0::detail
