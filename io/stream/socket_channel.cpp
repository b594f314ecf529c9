// A connected stream socket as a channel. In blocking mode, as all of Brio's.

#include "net/failure.hpp"
#include "net/make_socket.hpp"
#include "stream/descriptor_channel.hpp"
#include "stream/make_stream.hpp"

#include <cerrno>
#include <string>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace brio::inline v0::detail {

namespace {

class socket_channel final : public descriptor_channel {
public:
    socket_channel(io::descriptor fd, std::string peer, std::string own)
        : descriptor_channel(std::move(fd), peer.empty() ? "an unnamed peer" : peer),
          peer_(std::move(peer)),
          own_(std::move(own)) {}

    std::size_t read(bytes_out out) override {
        const operation op = transfer(operation::code::recv, out.data(), out.size());
        return counted(perform_here(reading, op, "recv"), "recv from");
    }
    std::size_t write(bytes_view data) override {
        const operation op = transfer(operation::code::send, data.data(), data.size());
        return counted(perform_here(writing, op, "send"), "send to");
    }
    std::size_t try_write(bytes_view data) override {
        const operation op = transfer(operation::code::send, data.data(), data.size());
        const long count = ::syscall(SYS_sendto, descriptor(), op.address, op.length,
                                     MSG_DONTWAIT | MSG_NOSIGNAL, nullptr, 0);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
        return counted(count < 0 ? -errno : static_cast<int>(count), "send to");
    }
    [[nodiscard]] bool can_write_eof() const noexcept override { return true; }
    void write_eof() override {
        if (::syscall(SYS_shutdown, descriptor(), SHUT_WR) != 0)
            throw_io_error(errno, "shutdown of the connection to", name());
    }
    [[nodiscard]] std::string extra_info(std::string_view what) const override {
        if (what == "peername") return peer_;
        return what == "sockname" ? own_ : std::string();
    }

private:
    std::string peer_;
    std::string own_;
};

}  // namespace

byte_channel* make_socket_channel(io::descriptor fd) {
    std::string peer = peer_endpoint(fd.get()).text();
    std::string own = own_endpoint(fd.get()).text();
    return new socket_channel(std::move(fd), std::move(peer), std::move(own));
}

}  // namespace brio::inline v0::detail
