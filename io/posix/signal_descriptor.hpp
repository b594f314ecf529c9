#pragma once
// A signalfd: readable while one of some signals is pending for this thread or the process. Takes none.

#include "base/private_descriptor.hpp"
#include "base/system_call.hpp"

#include <climits>
#include <csignal>
#include <sys/signalfd.h>

namespace brio::inline v0::detail::posix {

class signal_descriptor {
public:
    signal_descriptor() noexcept = default;
    explicit signal_descriptor(const sigset_t& signals) noexcept { open(signals); }
    signal_descriptor(const signal_descriptor&) = delete;
    signal_descriptor& operator=(const signal_descriptor&) = delete;
    ~signal_descriptor() {
        if (fd_ >= 0) close_private(fd_);
    }

    /// Once.
    void open(const sigset_t& signals) noexcept {
        fd_ = private_descriptor(static_cast<int>(system_call(
            SYS_signalfd4, -1, &signals, kernel_sigset_size, SFD_CLOEXEC | SFD_NONBLOCK)));
    }
    /// -errno when the kernel gives none.
    [[nodiscard]] int get() const noexcept { return fd_; }
    static constexpr int none = INT_MIN;

private:
    int fd_ = none;
};

}  // namespace brio::inline v0::detail::posix
