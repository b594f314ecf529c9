// The client of the echo benchmarks: on each connection one message at a time, sent when the last
// is back.
//
// Usage: brio-bench-echo-client PORT CONNECTIONS MESSAGES CPU
//
// It has to use less CPU a message than any server, so that the server is what is busy: one entry a
// message, for the send; receives are multishot, and only a send that fails completes.

#include "echo_message.hpp"
#include "process.hpp"
#include "ring.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <iostream>
#include <netinet/in.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <system_error>
#include <vector>

namespace {

constexpr unsigned buffer_count = 2048;
constexpr __u64 sending = ~__u64{0};

int connect_to(std::uint16_t port) {
    const int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(made, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        throw std::system_error(errno, std::generic_category(), "connect");
    return made;
}

struct connection {
    int socket = -1;
    std::size_t received = 0;
    std::uint64_t number = 0;  // of the message that is under way, at its start
    std::array<char, bench::message_bytes> message{};
};

class client {
public:
    client(std::uint16_t port, std::size_t connections, std::uint64_t messages)
        : connections_(connections), to_send_(messages) {
        for (std::size_t i = 0; i < connections; ++i) {
            connection& one = connections_[i];
            one.socket = connect_to(port);
            one.message.fill(char('a' + i % 26));
        }
    }

    void run() {
        for (std::size_t i = 0; i < connections_.size(); ++i) {
            buffers_.receive(connections_[i].socket, i);
            send(connections_[i]);
        }
        while (under_way_ != 0)
            queue_.turn([this](const io_uring_cqe& completion) { complete(completion); });
        for (const connection& one : connections_) shutdown(one.socket, SHUT_RDWR);
    }

private:
    void send(connection& one) {
        ++one.number;
        std::memcpy(one.message.data(), &one.number, sizeof one.number);
        io_uring_sqe* entry = queue_.entry();
        io_uring_prep_send(entry, one.socket, one.message.data(), one.message.size(), MSG_WAITALL);
        io_uring_sqe_set_data64(entry, sending);
        entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
        --to_send_;
        ++under_way_;
    }

    void complete(const io_uring_cqe& completion) {
        if (completion.user_data == sending) throw std::runtime_error("a send was cut short");
        const std::size_t bytes = bench::bytes_of(completion);
        if (bytes == 0) throw std::runtime_error("the server has closed a connection");
        connection& one = connections_[completion.user_data];
        const unsigned id = bench::buffer_id(completion);
        compare(one, buffers_.at(id), bytes);
        buffers_.give_back(id);
        if ((completion.flags & IORING_CQE_F_MORE) == 0)
            buffers_.receive(one.socket, completion.user_data);
        if (one.received < one.message.size()) return;
        one.received = 0;
        --under_way_;
        if (to_send_ != 0) send(one);
    }

    static void compare(connection& one, const char* data, std::size_t bytes) {
        if (bytes > one.message.size() - one.received ||
            std::memcmp(one.message.data() + one.received, data, bytes) != 0)
            throw std::runtime_error("the server has sent back something else");
        one.received += bytes;
    }

    bench::ring queue_{2048};
    bench::buffer_ring buffers_{queue_, buffer_count, bench::read_bytes};
    std::vector<connection> connections_;
    std::uint64_t to_send_;
    std::uint64_t under_way_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::cerr << "usage: brio-bench-echo-client PORT CONNECTIONS MESSAGES CPU\n";
        return 2;
    }
    try {
        bench::pin_to_cpu(std::stoi(argv[4]));
        client(std::uint16_t(std::stoul(argv[1])), std::stoul(argv[2]), std::stoull(argv[3])).run();
    } catch (const std::exception& error) {
        std::cerr << "echo client: " << error.what() << '\n';
        return 1;
    }
}
