#pragma once
// What a host loop polls for a loop that is its guest: an epoll descriptor that is readable while
// the guest has something to do. In it are the reactor's own descriptor, for I/O and the mailbox, and
// a timer, for deadlines and for what is ready already.

#include <brio/time.hpp>

namespace brio::inline v0::detail {

class wake_descriptor {
public:
    /// `reactor` is the reactor's descriptor, or -1. Throws std::system_error.
    explicit wake_descriptor(int reactor);
    wake_descriptor(const wake_descriptor&) = delete;
    wake_descriptor& operator=(const wake_descriptor&) = delete;
    ~wake_descriptor();

    [[nodiscard]] int number() const noexcept { return epoll_; }
    /// Readable from `when` on, until the next call; time_point::max() is never.
    void wake_at(time_point when) noexcept;
    void wake_at_once() noexcept { wake_at(time_point(duration(1))); }

private:
    void add(int fd);
    void close() noexcept;
    int epoll_ = -1;
    int timer_ = -1;
};

}  // namespace brio::inline v0::detail
