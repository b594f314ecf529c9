#include "raw_echo.hpp"
#include "ring.hpp"

#include <array>
#include <cstddef>
#include <stdexcept>
#include <vector>

namespace bench {
namespace {

enum direction : __u64 { receiving = 0, sending = 1 };

struct connection {
    int socket = -1;
    std::size_t received = 0;
    std::array<char, read_bytes> buffer{};
};

}  // namespace

void serve_oneshot(const std::vector<int>& sockets, echo_window& window) {
    ring queue(2048);
    std::vector<connection> connections(sockets.size());
    auto receive = [&](__u64 index) {
        connection& one = connections[index];
        io_uring_sqe* entry = queue.entry();
        io_uring_prep_recv(entry, one.socket, one.buffer.data(), one.buffer.size(), 0);
        io_uring_sqe_set_data64(entry, index << 1 | receiving);
    };
    auto send = [&](__u64 index) {
        connection& one = connections[index];
        io_uring_sqe* entry = queue.entry();
        io_uring_prep_send(entry, one.socket, one.buffer.data(), one.received, 0);
        io_uring_sqe_set_data64(entry, index << 1 | sending);
    };

    for (std::size_t i = 0; i < sockets.size(); ++i) {
        connections[i].socket = sockets[i];
        receive(i);
    }
    std::size_t open = sockets.size();
    while (open != 0) {
        queue.turn([&](const io_uring_cqe& completion) {
            const __u64 index = completion.user_data >> 1;
            connection& one = connections[index];
            const std::size_t bytes = bytes_of(completion);
            if ((completion.user_data & 1) == sending) {
                if (bytes != one.received) throw std::runtime_error("a send was cut short");
                window.sent(bytes);
                receive(index);
            } else if (bytes != 0) {
                one.received = bytes;
                send(index);
            } else {
                --open;
            }
        });
    }
}

}  // namespace bench
