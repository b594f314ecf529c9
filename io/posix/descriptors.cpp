#include "posix/descriptors.hpp"

#include "base/system_call.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <ctime>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace brio::inline v0::detail::posix {

namespace {

// The word, from the low end: 3 bits of kind, 5 flags, 2 bits of state, the rest generation.
using word = std::uint32_t;
constexpr word kind_mask = 7;
constexpr word nonblocking_bit = 1 << 3;
constexpr word receive_limit_bit = 1 << 4;
constexpr word send_limit_bit = 1 << 5;
constexpr word no_nowait_in_bit = 1 << 6;
constexpr word no_nowait_out_bit = 1 << 7;
constexpr word facts_mask = (1 << 8) - 1;
constexpr word asking = 1 << 8;
constexpr word known = 1 << 9;
constexpr word generation_step = 1 << 10;

constexpr unsigned table_size = 1U << 16;
constinit std::atomic<word> table[table_size];
/// One more than the highest number that ever had facts.
constinit std::atomic<unsigned> table_used{0};
constinit std::atomic<bool> has_duplicates{false};

word pack(const descriptor_facts& f) noexcept {
    return static_cast<word>(f.kind) | (f.nonblocking ? nonblocking_bit : 0) |
           (f.receive_limit ? receive_limit_bit : 0) | (f.send_limit ? send_limit_bit : 0);
}

descriptor_facts unpack(word w) noexcept {
    return {static_cast<descriptor_kind>(w & kind_mask), (w & nonblocking_bit) != 0,
            (w & receive_limit_bit) != 0, (w & send_limit_bit) != 0};
}

constexpr word no_nowait_bit(direction d) noexcept {
    return d == direction::in ? no_nowait_in_bit : no_nowait_out_bit;
}

bool has_limit(int fd, int option) noexcept {
    timeval limit = {};
    socklen_t size = sizeof limit;
    return system_call(SYS_getsockopt, fd, SOL_SOCKET, option, &limit, &size) == 0 &&
           (limit.tv_sec != 0 || limit.tv_usec != 0);
}

descriptor_facts ask(int fd) noexcept {
    descriptor_facts facts;
    const long mode = system_call(SYS_fcntl, fd, F_GETFL);
    struct stat file = {};
    if (mode < 0 || system_call(SYS_fstat, fd, &file) < 0) return facts;
    facts.nonblocking = (mode & O_NONBLOCK) != 0;
    if (S_ISREG(file.st_mode) || S_ISDIR(file.st_mode) || S_ISBLK(file.st_mode)) {
        facts.kind = descriptor_kind::disk;
    } else if (S_ISSOCK(file.st_mode)) {
        int type = 0;
        socklen_t size = sizeof type;
        system_call(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size);
        facts.kind =
            type == SOCK_STREAM ? descriptor_kind::stream_socket : descriptor_kind::other_socket;
        facts.receive_limit = has_limit(fd, SO_RCVTIMEO);
        facts.send_limit = has_limit(fd, SO_SNDTIMEO);
    } else {
        facts.kind = S_ISFIFO(file.st_mode) ? descriptor_kind::pipe : descriptor_kind::other;
    }
    return facts;
}

bool in_table(int fd) noexcept {
    return fd >= 0 && static_cast<unsigned>(fd) < table_size;
}

void raise_table_used(unsigned to) noexcept {
    unsigned seen = table_used.load(std::memory_order_relaxed);
    while (seen < to && !table_used.compare_exchange_weak(seen, to)) {
    }
}

}  // namespace

descriptor_facts facts_of(int fd) noexcept {
    if (!in_table(fd)) return ask(fd);
    std::atomic<word>& entry = table[fd];
    word before = entry.load();
    if ((before & known) != 0) return unpack(before);
    raise_table_used(static_cast<unsigned>(fd) + 1);
    // Whoever else is asking now keeps what it finds; then this answer is used once.
    const word marked = (before & ~facts_mask) | asking;
    const bool mine = (before & asking) == 0 && entry.compare_exchange_strong(before, marked);
    const descriptor_facts facts = ask(fd);
    if (mine) {
        word expected = marked;
        const bool keep = facts.kind != descriptor_kind::none;
        entry.compare_exchange_strong(expected,
                                      (marked & ~asking) | (keep ? known | pack(facts) : 0));
    }
    return facts;
}

bool known_to_refuse_nowait(int fd, direction d) noexcept {
    return in_table(fd) && (table[fd].load(std::memory_order_relaxed) & no_nowait_bit(d)) != 0;
}

void note_nowait_refused(int fd, direction d) noexcept {
    if (!in_table(fd)) return;
    word before = table[fd].load();
    if ((before & known) != 0) table[fd].compare_exchange_strong(before, before | no_nowait_bit(d));
}

void forget(int fd) noexcept {
    if (!in_table(fd)) return;
    std::atomic<word>& entry = table[fd];
    word before = entry.load();
    while ((before & (known | asking)) != 0) {
        const word after = (before & ~(facts_mask | known | asking)) + generation_step;
        if (entry.compare_exchange_weak(before, after)) return;
    }
}

void forget_range(unsigned first, unsigned last) noexcept {
    const unsigned end = table_used.load();
    if (end == 0) return;
    for (unsigned fd = first; fd <= std::min(last, end - 1); ++fd) forget(static_cast<int>(fd));
}

void note_duplicate() noexcept {
    has_duplicates.store(true, std::memory_order_relaxed);
}

void forget_open_file(int fd) noexcept {
    forget(fd);
    // Which numbers are duplicates is not known; standard input, output and error often are.
    const bool everywhere = has_duplicates.load(std::memory_order_relaxed);
    forget_range(0, everywhere ? table_size : STDERR_FILENO);
}

}  // namespace brio::inline v0::detail::posix
