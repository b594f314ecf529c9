#include "ring.hpp"

#include <cerrno>
#include <sys/mman.h>
#include <system_error>

namespace bench {
namespace {

void check(int result, const char* call) {
    if (result < 0) throw std::system_error(-result, std::generic_category(), call);
}

}  // namespace

ring::ring(unsigned entries) {
    const unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    check(io_uring_queue_init(entries, &ring_, flags), "io_uring_queue_init");
    check(io_uring_register_ring_fd(&ring_), "io_uring_register_ring_fd");
}

ring::~ring() {
    io_uring_queue_exit(&ring_);
}

io_uring_sqe* ring::entry() {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry == nullptr) {
        check(io_uring_submit(&ring_), "io_uring_submit");
        entry = io_uring_get_sqe(&ring_);
    }
    return entry;
}

void ring::submit_and_wait() {
    const int result = io_uring_submit_and_wait(&ring_, 1);
    if (result != -EINTR) check(result, "io_uring_submit_and_wait");
}

buffer_ring::buffer_ring(ring& owner, unsigned count, std::size_t bytes)
    : owner_(owner), count_(count), bytes_(bytes), memory_(count * bytes) {
    void* mapped =
        mmap(nullptr, entries_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) check(-errno, "mmap");
    entries_ = static_cast<io_uring_buf_ring*>(mapped);
    io_uring_buf_ring_init(entries_);

    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<__u64>(entries_);
    registration.ring_entries = count;
    registration.bgid = group;
    check(io_uring_register_buf_ring(owner_.get(), &registration, 0), "io_uring_register_buf_ring");
    for (unsigned id = 0; id < count; ++id) give_back(id);
}

buffer_ring::~buffer_ring() {
    io_uring_unregister_buf_ring(owner_.get(), group);
    munmap(entries_, entries_bytes());
}

void buffer_ring::give_back(unsigned id) {
    io_uring_buf_ring_add(entries_, at(id), unsigned(bytes_), static_cast<unsigned short>(id),
                          io_uring_buf_ring_mask(count_), 0);
    io_uring_buf_ring_advance(entries_, 1);
}

void buffer_ring::receive(int socket, __u64 user_data) {
    io_uring_sqe* entry = owner_.entry();
    io_uring_prep_recv_multishot(entry, socket, nullptr, 0, 0);
    io_uring_sqe_set_data64(entry, user_data);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = group;
}

std::size_t bytes_of(const io_uring_cqe& completion) {
    check(completion.res, "receive or send");
    return std::size_t(completion.res);
}

}  // namespace bench
