#include "base/private_descriptor.hpp"

#include "base/system_call.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

namespace brio::inline v0::detail {

namespace {

/// A bit for each number; the kernel's own default limit. What lies beyond is not known as ours.
constexpr unsigned known_numbers = 1U << 20;
std::atomic<std::uint64_t> words[known_numbers / 64];

constexpr std::uint64_t bit_of(int fd) noexcept {
    return std::uint64_t{1} << (static_cast<unsigned>(fd) % 64);
}

std::atomic<std::uint64_t>* word_of(int fd) noexcept {
    const auto number = static_cast<unsigned>(fd);  // a negative one is beyond
    return number < known_numbers ? &words[number / 64] : nullptr;
}

void note(int fd) noexcept {
    if (auto* const word = word_of(fd)) word->fetch_or(bit_of(fd), std::memory_order_relaxed);
}

/// False: it is known not to be ours.
bool take_note_back(int fd) noexcept {
    auto* const word = word_of(fd);
    if (word == nullptr) return fd >= 0;
    return (word->fetch_and(~bit_of(fd), std::memory_order_relaxed) & bit_of(fd)) != 0;
}

int duplicate_from(int first, int fd) noexcept {
    return static_cast<int>(system_call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, first));
}

}  // namespace

/// Above the middle, and no round number: programs take one for a number that nobody has.
int first_private_number() noexcept {
    rlimit limit{};
    if (system_call(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, &limit) != 0) return 0;
    const int numbers = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 32768));
    return numbers / 2 + numbers / 16 + 1;
}

int private_descriptor(int fd) noexcept {
    if (fd < 0) return fd;
    const int moved = private_duplicate(fd);
    if (moved < 0) {
        note(fd);
        return fd;
    }
    system_call(SYS_close, fd);
    return moved;
}

int private_duplicate(int fd) noexcept {
    static constinit std::atomic<int> usual_first{-1};
    if (usual_first.load() < 0) usual_first.store(first_private_number());
    int copy = duplicate_from(usual_first.load(), fd);
    if (copy == -EINVAL) copy = duplicate_from(first_private_number(), fd);  // a lower limit now
    if (copy >= 0) note(copy);
    return copy;
}

void close_private(int fd) noexcept {
    if (take_note_back(fd)) system_call(SYS_close, fd);
}

bool is_private(int fd) noexcept {
    const auto* const word = word_of(fd);
    return word != nullptr && (word->load(std::memory_order_relaxed) & bit_of(fd)) != 0;
}

int next_private(unsigned first, unsigned last) noexcept {
    const unsigned end = std::min(last, known_numbers - 1);
    for (unsigned number = first; number <= end;) {
        const std::uint64_t rest =
            words[number / 64].load(std::memory_order_relaxed) >> (number % 64);
        if (rest == 0) {
            number = (number / 64 + 1) * 64;
            continue;
        }
        const unsigned found = number + static_cast<unsigned>(std::countr_zero(rest));
        return found <= end ? static_cast<int>(found) : -1;
    }
    return -1;
}

void make_room_for_descriptors() noexcept {
    static constinit std::atomic<bool> made{false};
    if (made.exchange(true)) return;
    const auto any = static_cast<int>(system_call(SYS_eventfd2, 0, EFD_CLOEXEC));
    if (any >= 0) close_private(private_descriptor(any));
}

void no_descriptor_is_private() noexcept {
    for (int ours = next_private(0, ~0U); ours >= 0; ours = next_private(0, ~0U))
        take_note_back(ours);
}

}  // namespace brio::inline v0::detail
