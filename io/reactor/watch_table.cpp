#include "reactor/watch_table.hpp"

#include "base/private_descriptor.hpp"
#include "reactor/raw_call.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace brio::inline v0 {
namespace detail {

watch_table::watch_table(int bell)
    : descriptor_(private_descriptor(raw_call(SYS_epoll_create1, EPOLL_CLOEXEC))) {
    int error = descriptor_;
    if (descriptor_ >= 0) {
        epoll_event rung{};
        rung.events = EPOLLIN;
        error = raw_call(SYS_epoll_ctl, descriptor_, EPOLL_CTL_ADD, bell, &rung);
    }
    if (error >= 0) return;
    if (descriptor_ >= 0) close_private(descriptor_);
    throw std::system_error(-error, std::system_category(), "epoll");
}

watch_table::~watch_table() {
    for (const auto& w : watches_)
        if (w->fd >= 0) unregister(*w);
    close_private(descriptor_);
}

void watch_table::abandon() noexcept {
    for (const auto& w : watches_) {
        if (w->fd >= 0 && w->fd != w->number) close_private(w->fd);
        w->fd = -1;
    }
}

// ------------------------------------------------------------------------------ obtain and release

watch* watch_table::obtain(int fd, std::uint32_t events, int& error) {
    struct stat file {};
    error = -raw_call(SYS_fstat, fd, &file);
    if (error == 0 && (S_ISREG(file.st_mode) || S_ISDIR(file.st_mode))) error = EPERM;  // at once
    if (error != 0) return nullptr;
    const bool is_socket = S_ISSOCK(file.st_mode);
    watch* w = is_socket ? kept_watch(fd, file) : nullptr;
    if (w == nullptr) {
        w = &make(fd);
        if (is_socket) {
            w->kept = true;
            w->device = file.st_dev;
            w->inode = file.st_ino;
            by_number_[static_cast<std::size_t>(fd)] = w;
        }
    }
    error = add_events(*w, events);
    if (error == 0) {
        w->idle = false;
        return w;
    }
    if (w->waiting.empty()) {
        leave_number(*w);
        unregister(*w);
    }
    return nullptr;
}

watch* watch_table::kept_watch(int fd, const struct stat& file) noexcept {
    const auto number = static_cast<std::size_t>(fd);
    if (number >= by_number_.size()) by_number_.resize(number + 1);
    watch* const w = by_number_[number];
    if (w == nullptr || (w->device == file.st_dev && w->inode == file.st_ino)) return w;
    forget(fd);  // the number was closed, unknown to us, and stands for another socket
    return nullptr;
}

watch& watch_table::make(int fd) {
    if (free_.empty()) {
        watches_.push_back(std::make_unique<watch>());
        watches_.back()->index = static_cast<std::uint32_t>(watches_.size() - 1);
        free_.push_back(watches_.back().get());
    }
    watch& w = *free_.back();
    free_.pop_back();
    const int ours = private_duplicate(fd);
    w.number = fd;
    w.fd = ours >= 0 ? ours : fd;
    w.events = 0;
    w.kept = w.idle = false;
    return w;
}

/// 0 or an errno.
int watch_table::add_events(watch& w, std::uint32_t events) noexcept {
    if ((events & ~w.events) == 0 && w.events != 0) return 0;
    epoll_event wanted{};
    wanted.events = w.events | events | EPOLLET;
    wanted.data.ptr = &w;
    const int how = w.events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    const int result = raw_call(SYS_epoll_ctl, descriptor_, how, w.fd, &wanted);
    if (result == 0) w.events = wanted.events;
    // The user's own number, taken for want of a free one, is registered already.
    return result == -EEXIST ? EMFILE : -result;
}

void watch_table::release(watch& w) noexcept {
    if (w.kept) {
        w.age = 0;
        w.idle = true;
        if (!std::exchange(w.listed, true)) listed_.push_back(&w);
    } else {
        unregister(w);
    }
}

void watch_table::forget(int fd) noexcept {
    const auto number = static_cast<std::size_t>(fd);
    if (fd < 0 || number >= by_number_.size() || by_number_[number] == nullptr) return;
    watch& w = *by_number_[number];
    leave_number(w);
    if (w.idle) unregister(w);
}

void watch_table::leave_number(watch& w) noexcept {
    if (std::exchange(w.kept, false)) by_number_[static_cast<std::size_t>(w.number)] = nullptr;
}

/// The registration is the duplicate's, and would outlive it while the user's number is open.
void watch_table::unregister(watch& w) noexcept {
    epoll_event unused{};
    if (w.events != 0) raw_call(SYS_epoll_ctl, descriptor_, EPOLL_CTL_DEL, w.fd, &unused);
    if (w.fd != w.number) close_private(w.fd);
    w.fd = -1;
    w.idle = false;
    gone_.push_back(&w);
}

// ------------------------------------------------------------------------------------------ waiting

void watch_table::let_idle_go(bool before_sleep) noexcept {
    constexpr unsigned char most_waits = 2;
    std::size_t left = 0;
    for (watch* const w : listed_) {
        if (w->idle && !before_sleep && ++w->age < most_waits) {
            listed_[left++] = w;
            continue;
        }
        w->listed = false;
        if (!w->idle) continue;
        leave_number(*w);
        unregister(*w);
    }
    listed_.resize(left);
}

std::span<const epoll_event> watch_table::wait(duration timeout, bool before_sleep) noexcept {
    let_idle_go(before_sleep);
    free_.insert(free_.end(), gone_.begin(), gone_.end());
    gone_.clear();
    const int count = wait_in_kernel(timeout);
    return {events_, static_cast<std::size_t>(std::max(count, 0))};
}

int watch_table::wait_in_kernel(duration timeout) noexcept {
    const bool endless = timeout == duration::max();
    if (has_pwait2_) {
        timespec limit{};
        limit.tv_sec = timeout.count() / 1'000'000'000;
        limit.tv_nsec = timeout.count() % 1'000'000'000;
        const int count = raw_call(SYS_epoll_pwait2, descriptor_, events_, most_events,
                                   endless ? nullptr : &limit, 0, 0);
        if (count != -ENOSYS) return count;
        has_pwait2_ = false;  // before Linux 5.11
    }
    const auto rounded_up = std::chrono::ceil<std::chrono::milliseconds>(
        std::min(timeout, duration(std::chrono::hours(24))));
    return raw_call(SYS_epoll_pwait, descriptor_, events_, most_events,
                    endless ? -1 : static_cast<int>(rounded_up.count()), 0, 0);
}

}  // namespace detail
}  // namespace brio::inline v0
