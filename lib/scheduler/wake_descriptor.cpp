#include "scheduler/wake_descriptor.hpp"

#include <cerrno>
#include <chrono>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <system_error>
#include <unistd.h>

namespace brio::inline v0::detail {

wake_descriptor::wake_descriptor(int reactor)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
    try {
        add(timer_);
        if (reactor >= 0) add(reactor);
    } catch (...) {
        close();
        throw;
    }
}

wake_descriptor::~wake_descriptor() {
    close();
}

void wake_descriptor::add(int fd) {
    epoll_event readable{};
    readable.events = EPOLLIN;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &readable) != 0)
        throw std::system_error(errno, std::system_category(), "fd: a descriptor for a host loop");
}

/// Not libc's close(), which the porting layer replaces.
void wake_descriptor::close() noexcept {
    for (const int fd : {epoll_, timer_})
        if (fd >= 0) ::syscall(SYS_close, fd);
}

void wake_descriptor::wake_at(time_point when) noexcept {
    itimerspec t{};  // all zero: never
    if (when != time_point::max()) {
        const auto since = when.time_since_epoch();
        t.it_value.tv_sec = since.count() / 1'000'000'000;
        t.it_value.tv_nsec = since.count() % 1'000'000'000;
    }
    ::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &t, nullptr);
}

}  // namespace brio::inline v0::detail
