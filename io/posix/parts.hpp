#pragma once
// What is left of a list of buffers after some bytes have been moved. The caller's list is const and
// may be long, so it is not copied: a buffer that is half done is offered alone, then the rest of the
// list as it stands.

#include <algorithm>
#include <cstddef>
#include <sys/uio.h>

namespace brio::inline v0::detail::posix {

class remaining_parts {
public:
    remaining_parts(const iovec* parts, int count) noexcept : next_(parts), count_(count) {
        skip_empty();
    }

    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

    void advance(std::size_t bytes) noexcept {
        while (bytes > 0) {
            const std::size_t here = std::min(bytes, next_->iov_len - into_);
            bytes -= here;
            into_ += here;
            if (into_ == next_->iov_len) step();
        }
        skip_empty();
    }

    /// What to offer next: valid until the next call. At most `limit` bytes when that is not 0.
    struct offer {
        const iovec* parts;
        int count;
    };
    offer next(std::size_t limit = 0) noexcept {
        if (into_ == 0 && limit == 0) return {next_, count_};
        single_.iov_base = static_cast<std::byte*>(next_->iov_base) + into_;
        single_.iov_len = next_->iov_len - into_;
        if (limit != 0) single_.iov_len = std::min(single_.iov_len, limit);
        return {&single_, 1};
    }

private:
    void step() noexcept {
        ++next_;
        --count_;
        into_ = 0;
    }
    void skip_empty() noexcept {
        while (count_ > 0 && next_->iov_len == 0) step();
    }

    const iovec* next_;
    int count_;
    std::size_t into_ = 0;  // bytes of *next_ that are done
    iovec single_{};
};

/// The sum of the lengths, saturating. The kernel has accepted the list, so it can be read.
inline std::size_t total_size(const iovec* parts, int count) noexcept {
    std::size_t sum = 0;
    for (int i = 0; i < count; ++i)
        if (__builtin_add_overflow(sum, parts[i].iov_len, &sum))
            return static_cast<std::size_t>(-1);
    return sum;
}

}  // namespace brio::inline v0::detail::posix
