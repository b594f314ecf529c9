#pragma once
// What the layer knows of a descriptor: its mode, kind and timeouts, asked of the kernel when a call
// on it first would have blocked and remembered, because each question costs as much as a call.
//
// 1. The process's descriptors are shared by its threads, so this table is too: one atomic word for
//    each number, without locks. Numbers beyond the table are asked about each time.
// 2. A word: known facts, or nothing, or "being asked". forget() during the asking makes what comes
//    of it void (the generation changes), so an answer from before a change is never kept.
// 3. O_NONBLOCK is never changed here; it is read. A change made through another process that shares
//    the open file, or by a system call that libc makes inside, goes unseen until forget().

#include <cstdint>

namespace brio::inline v0::detail::posix {

enum class direction { in, out };

enum class descriptor_kind : std::uint8_t {
    none,           // the number is not open
    stream_socket,  // SOCK_STREAM
    other_socket,
    disk,  // regular files, directories, block devices: never wait for anybody, only for the disk
    pipe,
    other,  // terminals, eventfds, ...
};

struct descriptor_facts {
    descriptor_kind kind = descriptor_kind::none;
    bool nonblocking = false;
    bool receive_limit = false;  // SO_RCVTIMEO is set; its value is asked for when it is needed
    bool send_limit = false;     // SO_SNDTIMEO likewise

    [[nodiscard]] bool is_socket() const noexcept {
        return kind == descriptor_kind::stream_socket || kind == descriptor_kind::other_socket;
    }
};

/// Any thread. Leaves errno alone, as all of these.
[[nodiscard]] descriptor_facts facts_of(int fd) noexcept;
/// Whether the kernel is known to refuse RWF_NOWAIT for `fd`; never asks. ext4 does for writes only.
[[nodiscard]] bool known_to_refuse_nowait(int fd, direction d) noexcept;
/// It has just refused.
void note_nowait_refused(int fd, direction d) noexcept;

/// The number means something else now. Harmless when it is negative or beyond the table.
void forget(int fd) noexcept;
void forget_range(unsigned first, unsigned last) noexcept;
/// The mode or a timeout of the open file behind `fd` has changed: also for its duplicates.
void forget_open_file(int fd) noexcept;
/// Two numbers stand for one open file from now on.
void note_duplicate() noexcept;

}  // namespace brio::inline v0::detail::posix
