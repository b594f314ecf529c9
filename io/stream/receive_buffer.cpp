#include "stream/receive_buffer.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace brio::inline v0::detail {

namespace {
constexpr std::size_t first_capacity = std::size_t{64} << 10;
constexpr std::size_t least_room = std::size_t{16} << 10;
constexpr std::size_t most_room = std::size_t{1} << 20;
constexpr std::size_t most_kept = std::size_t{256} << 10;  // of an empty buffer
}  // namespace

std::span<char> receive_buffer::room() {
    const std::size_t used = size();
    const std::size_t wanted = std::clamp(used, least_room, most_room);
    if (capacity_ - end_ < wanted) {
        const bool worth_moving = begin_ >= used && capacity_ - used >= wanted;
        move_to_front(worth_moving ? capacity_ : std::max(first_capacity, 2 * (used + wanted)));
    }
    return {memory_.get() + end_, capacity_ - end_};
}

void receive_buffer::move_to_front(std::size_t capacity) {
    const std::size_t used = size();
    // Not zeroed: pages that no byte reaches cost nothing.
    std::unique_ptr<char[]> larger(capacity > capacity_ ? new char[capacity] : nullptr);
    char* const to = larger != nullptr ? larger.get() : memory_.get();
    if (used > 0) std::memmove(to, memory_.get() + begin_, used);
    if (larger != nullptr) memory_ = std::move(larger);
    capacity_ = capacity;
    begin_ = 0;
    end_ = used;
}

void receive_buffer::drop(std::size_t n) noexcept {
    begin_ += n;
    if (!empty()) return;
    begin_ = end_ = 0;
    if (capacity_ <= most_kept) return;
    memory_.reset();
    capacity_ = 0;
}

std::string receive_buffer::take(std::size_t n) {
    std::string taken(bytes().substr(0, n));
    drop(taken.size());
    return taken;
}

std::size_t receive_buffer::take_into(bytes_out out) noexcept {
    const std::size_t n = std::min(size(), out.size());
    if (n > 0) std::memcpy(out.data(), bytes().data(), n);
    drop(n);
    return n;
}

}  // namespace brio::inline v0::detail
