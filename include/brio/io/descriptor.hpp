#pragma once
// The owner of a file descriptor.

#include <brio/version.hpp>

#include <utility>

namespace brio::inline v0::io {

/// Move-only; the destructor closes, without suspending. Any thread, one at a time.
class descriptor {
public:
    descriptor() noexcept = default;
    /// Takes ownership of `fd`.
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~descriptor() { close(); }
    /// Closes now; nothing when closed or moved from. A fiber that waits on the descriptor goes on
    /// waiting, as a thread would: cancel it, or shut the socket down.
    void close() noexcept;
    /// -1 when closed or moved from.
    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_ = -1;
};

}  // namespace brio::inline v0::io
