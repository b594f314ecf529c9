#pragma once

#include <cstddef>
#include <liburing.h>
#include <vector>

namespace bench {

/// An io_uring of one thread, which runs its completions when it asks for them. All here throws
/// std::system_error.
class ring {
public:
    explicit ring(unsigned entries);
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;
    ~ring();

    /// The next entry. Submits the earlier ones when the queue is full.
    [[nodiscard]] io_uring_sqe* entry();
    /// Submits, waits for at least one completion and hands `handle` each that is there.
    template <class F>
    void turn(F&& handle) {
        submit_and_wait();
        unsigned head = 0;
        unsigned count = 0;
        io_uring_cqe* completion = nullptr;
        io_uring_for_each_cqe(&ring_, head, completion) {
            handle(*completion);
            ++count;
        }
        io_uring_cq_advance(&ring_, count);
    }
    [[nodiscard]] io_uring* get() { return &ring_; }

private:
    void submit_and_wait();

    io_uring ring_{};
};

/// Buffers of which the kernel takes one for each piece of data that arrives.
class buffer_ring {
public:
    static constexpr unsigned short group = 0;

    buffer_ring(ring& owner, unsigned count, std::size_t bytes);  // count: a power of two
    buffer_ring(const buffer_ring&) = delete;
    buffer_ring& operator=(const buffer_ring&) = delete;
    ~buffer_ring();

    [[nodiscard]] char* at(unsigned id) { return memory_.data() + id * bytes_; }
    /// Lets the kernel have the buffer again.
    void give_back(unsigned id);
    /// Lets data that arrives on `socket` complete again and again, with `user_data` and a buffer
    /// each time.
    void receive(int socket, __u64 user_data);

private:
    [[nodiscard]] std::size_t entries_bytes() const { return count_ * sizeof(io_uring_buf); }

    ring& owner_;
    unsigned count_;
    std::size_t bytes_;
    std::vector<char> memory_;
    io_uring_buf_ring* entries_;
};

/// The buffer that a receive has filled.
[[nodiscard]] inline unsigned buffer_id(const io_uring_cqe& completion) {
    return completion.flags >> IORING_CQE_BUFFER_SHIFT;
}

/// The bytes of a completed receive or send. Throws on its error.
[[nodiscard]] std::size_t bytes_of(const io_uring_cqe& completion);

}  // namespace bench
