#pragma once
// Calls that wait more than once on one descriptor.

#include "base/private_descriptor.hpp"

namespace brio::inline v0::detail::posix {

/// The open file behind a number, also when the number is closed and means something else: as a call
/// that blocks inside the kernel keeps it. Where there is no number left for a duplicate, the user's.
class kept_open {
public:
    explicit kept_open(int fd) noexcept : fd_(fd) {}
    kept_open(const kept_open&) = delete;
    kept_open& operator=(const kept_open&) = delete;
    ~kept_open() {
        if (kept_) close_private(fd_);
    }
    /// Before the first suspension; until then it costs nothing.
    void keep() noexcept {
        if (kept_) return;
        const int duplicate = private_duplicate(fd_);
        kept_ = duplicate >= 0;
        if (kept_) fd_ = duplicate;
    }
    [[nodiscard]] int fd() const noexcept { return fd_; }

private:
    int fd_;
    bool kept_ = false;
};

}  // namespace brio::inline v0::detail::posix
