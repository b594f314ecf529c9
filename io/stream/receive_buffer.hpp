#pragma once
// What a reader has received and not given away yet: one contiguous piece.
//
//   memory:  [ given away | bytes() | room ]
//
// The kernel may write into the room while bytes() are looked at; nothing else is called meanwhile.

#include <brio/bytes.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace brio::inline v0::detail {

class receive_buffer {
public:
    [[nodiscard]] std::string_view bytes() const noexcept {
        return {memory_.get() + begin_, size()};
    }
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }

    /// Where the next bytes go: 16 KiB at least. Grows with what has come, not with what is hoped for.
    [[nodiscard]] std::span<char> room();
    /// `n` bytes have come into the room.
    void received(std::size_t n) noexcept { end_ += n; }
    /// The first `n` bytes are given away.
    void drop(std::size_t n) noexcept;
    [[nodiscard]] std::string take(std::size_t n);
    /// Into `out` as many as there are and fit; returns the count.
    std::size_t take_into(bytes_out out) noexcept;

private:
    void move_to_front(std::size_t capacity);

    std::unique_ptr<char[]> memory_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace brio::inline v0::detail
