#include "raw_echo.hpp"
#include "ring.hpp"

#include <cerrno>
#include <cstddef>
#include <vector>

namespace bench {
namespace {

// user_data: the connection's index, and, of a send, its buffer's id above and the lowest bit.
constexpr __u64 sending = 1;
constexpr unsigned id_shift = 32;
constexpr unsigned buffer_count = 2048;

constexpr __u64 index_of(const io_uring_cqe& completion) {
    return (completion.user_data & ((__u64{1} << id_shift) - 1)) >> 1;
}

}  // namespace

void serve_multishot(const std::vector<int>& sockets, echo_window& window) {
    ring queue(2048);
    buffer_ring buffers(queue, buffer_count, read_bytes);
    auto send = [&](__u64 index, unsigned id, std::size_t bytes) {
        io_uring_sqe* entry = queue.entry();
        io_uring_prep_send(entry, sockets[index], buffers.at(id), bytes, MSG_WAITALL);
        io_uring_sqe_set_data64(entry, __u64{id} << id_shift | index << 1 | sending);
    };

    for (std::size_t i = 0; i < sockets.size(); ++i) buffers.receive(sockets[i], i << 1);
    std::size_t open = sockets.size();
    while (open != 0) {
        queue.turn([&](const io_uring_cqe& completion) {
            if ((completion.user_data & sending) != 0) {
                window.sent(bytes_of(completion));
                buffers.give_back(unsigned(completion.user_data >> id_shift));
                return;
            }
            const __u64 index = index_of(completion);
            const bool out_of_buffers = completion.res == -ENOBUFS;
            const std::size_t bytes = out_of_buffers ? 0 : bytes_of(completion);
            if (bytes != 0) send(index, buffer_id(completion), bytes);
            if (bytes == 0 && !out_of_buffers)
                --open;
            else if ((completion.flags & IORING_CQE_F_MORE) == 0)
                buffers.receive(sockets[index], index << 1);
        });
    }
}

}  // namespace bench
