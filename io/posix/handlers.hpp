#pragma once
// Waits that end when a signal's handler has run in this thread, and what tells whose signal it is.

#include <csignal>

namespace brio::inline v0::detail::posix {

class handler_watch {
public:
    /// Handlers of signals that `mask` holds back do not count; null: all do. On the waiting fiber's stack.
    explicit handler_watch(const sigset_t* mask) noexcept;
    handler_watch(const handler_watch&) = delete;
    handler_watch& operator=(const handler_watch&) = delete;
    ~handler_watch();

    [[nodiscard]] bool handler_ran() const noexcept { return ran_ != 0; }
    /// Readable from then on. -errno when the kernel gives none.
    [[nodiscard]] int descriptor() const noexcept { return fd_; }

    /// In a signal handler.
    static void note(int signal) noexcept;

private:
    const sigset_t* mask_;
    int fd_;
    volatile sig_atomic_t ran_ = 0;
    handler_watch* next_ = nullptr;
};

/// While one lives this thread sends itself a signal.
class signal_to_oneself {
public:
    explicit signal_to_oneself(int signal) noexcept;
    signal_to_oneself(const signal_to_oneself&) = delete;
    signal_to_oneself& operator=(const signal_to_oneself&) = delete;
    ~signal_to_oneself();
};

}  // namespace brio::inline v0::detail::posix
