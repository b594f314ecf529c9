#pragma once
// The descriptors that the epoll reactor waits on.
//
// A watch is a private duplicate of a descriptor, registered with epoll, and the operations that
// wait for its events. The duplicate keeps the open file alive while something waits, so that a
// close or dup2 of the user's number neither loses nor misdirects a wake-up, as with a blocked
// system call.
//
//   obtain() -> waited on -> release() -> gone           descriptors in general
//                   ^------- idle <-------'              sockets: kept for the next operation
//                              '-> gone                  forget(), the second wait in it, a sleep
//
// 1. Events are edge-triggered. Who joins a watch has just been told that he would block, and the
//    registration is older than that, or reports what is there: so no event is missed.
// 2. A kept watch is taken again only while the number stands for the same socket. One inode is one
//    socket; for other kinds inodes tell nothing, so they are not kept.
// 3. A watch that goes is not freed before the next wait(): events just read may name it.
// 4. A child of fork shares the epoll instance with its parent and must not change it: abandon().

#include "reactor/operation_list.hpp"

#include <brio/time.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <vector>

namespace brio::inline v0 {
namespace detail {

struct watch {
    std::uint32_t index;       // its place in the table, while in use
    int number = -1;           // the user's
    int fd = -1;               // ours; the user's own where no duplicate could be had
    std::uint32_t events = 0;  // registered
    bool kept = false;
    bool idle = false;      // kept, and nothing waits on it
    bool listed = false;    // in the table's list of idle ones, which is cleaned at each wait
    unsigned char age = 0;  // waits in which it was idle
    dev_t device = 0;       // of a socket
    ino_t inode = 0;        // of a socket
    operation_list waiting;
};

class watch_table {
public:
    /// `bell`: a descriptor that ends wait() when readable; its event has a null pointer.
    /// Throws std::system_error.
    explicit watch_table(int bell);
    watch_table(const watch_table&) = delete;
    watch_table& operator=(const watch_table&) = delete;
    /// Nothing may be waiting.
    ~watch_table();

    /// A watch for the file that number `fd` stands for now, registered for `events` at least; null,
    /// and an errno in `error`, when that cannot be (EPERM: epoll does not know such files).
    [[nodiscard]] watch* obtain(int fd, std::uint32_t events, int& error);
    /// Nothing waits on `w` any more.
    void release(watch& w) noexcept;
    void forget(int fd) noexcept;
    [[nodiscard]] watch& at(std::uint32_t index) noexcept { return *watches_[index]; }
    [[nodiscard]] std::size_t size() const noexcept { return watches_.size(); }

    /// Lets idle watches go (all of them `before_sleep`), then waits for events, at most for `timeout`
    /// (duration::max(): no limit). Returns those that came; data.ptr is the watch.
    std::span<const epoll_event> wait(duration timeout, bool before_sleep) noexcept;
    /// The epoll instance itself.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

    /// In a child of fork: closes what is inherited, and leaves the parent's instance as it is.
    void abandon() noexcept;

private:
    watch* kept_watch(int fd, const struct stat& file) noexcept;
    watch& make(int fd);
    int add_events(watch& w, std::uint32_t events) noexcept;
    void unregister(watch& w) noexcept;
    void leave_number(watch& w) noexcept;
    void let_idle_go(bool before_sleep) noexcept;
    int wait_in_kernel(duration timeout) noexcept;

    int descriptor_;
    bool has_pwait2_ = true;
    std::vector<std::unique_ptr<watch>> watches_;
    std::vector<watch*> free_;
    std::vector<watch*> gone_;       // free from the next wait() on
    std::vector<watch*> listed_;     // idle ones, and some that no longer are
    std::vector<watch*> by_number_;  // kept ones, by the user's number
    static constexpr int most_events = 128;
    epoll_event events_[most_events];
};

}  // namespace detail
}  // namespace brio::inline v0
