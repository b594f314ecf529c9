#include "task/signal_handlers.hpp"

#include "base/private_descriptor.hpp"
#include "base/signal_action.hpp"
#include "task/descriptor_callbacks.hpp"

#include <brio/detail/short_lock.hpp>
#include <brio/error.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <string>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace brio::inline v0::detail {
namespace {

int this_process() noexcept {
    return static_cast<int>(::syscall(SYS_getpid));
}

struct slot {
    std::atomic<int> descriptor{-1};
    std::atomic<int> process{0};             // the one that made the descriptor
    const signal_handlers* owner = nullptr;  // under `slots_lock`, as the rest
    struct sigaction before {};
};

std::array<slot, NSIG> slots;
short_lock slots_lock;

slot& slot_of(int signal) noexcept {
    return slots[static_cast<std::size_t>(signal)];
}

void on_signal(int signal) noexcept {
    const slot& s = slot_of(signal);
    if (s.process.load() != this_process()) return;
    const int saved = errno;
    const std::uint64_t one = 1;
    ::syscall(SYS_write, s.descriptor.load(), &one, sizeof one);
    errno = saved;
}

/// False when there was none.
bool take_one(int descriptor) noexcept {
    const int saved = errno;
    std::uint64_t one = 0;
    const bool taken = ::syscall(SYS_read, descriptor, &one, sizeof one) > 0;
    errno = saved;
    return taken;
}

/// Locked. In this process, since when it is nobody's.
void make_descriptor(slot& s) {
    if (s.process.load() == this_process()) return;
    const int fd = private_descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE));
    if (fd < 0) throw std::system_error(errno, std::system_category(), "eventfd");
    s.owner = nullptr;
    s.descriptor.store(fd);
    s.process.store(this_process());
}

void require_signal(int signal, const char* call) {
    sigset_t known;
    ::sigemptyset(&known);
    if (signal < 1 || signal >= NSIG || ::sigaddset(&known, signal) != 0)
        throw std::invalid_argument(std::string(call) + ": there is no signal " +
                                    std::to_string(signal));
}

class signal_body final : public callback_body {
public:
    signal_body(int descriptor, std::unique_ptr<callback_body> body) noexcept
        : descriptor_(descriptor), body_(std::move(body)) {}

private:
    void call() override {
        if (take_one(descriptor_)) body_->run();
    }

    const int descriptor_;
    const std::unique_ptr<callback_body> body_;
};

}  // namespace

void signal_handlers::set(int signal, std::unique_ptr<callback_body> body) {
    require_signal(signal, "add_signal_handler");
    if (!signals_.contains(signal)) claim(signal);
    const int fd = slot_of(signal).descriptor.load();
    descriptors_.set(fd, descriptor_callbacks::direction::read,
                     std::make_unique<signal_body>(fd, std::move(body)));
}

void signal_handlers::claim(int signal) {
    const std::lock_guard held(slots_lock);
    slot& s = slot_of(signal);
    make_descriptor(s);
    if (s.owner != nullptr)
        throw usage_error("add_signal_handler: another loop handles signal " +
                          std::to_string(signal));
    while (take_one(s.descriptor.load())) {
    }  // what its last owner has not seen
    add_own_handler(&on_signal);
    struct sigaction ours {};
    ours.sa_handler = &on_signal;
    ours.sa_flags = SA_RESTART;
    ::sigfillset(&ours.sa_mask);
    if (set_signal_action(signal, &ours, &s.before) != 0)
        throw usage_error("add_signal_handler: signal " + std::to_string(signal) +
                          " cannot be caught");
    s.owner = this;
    signals_.insert(signal);
}

bool signal_handlers::remove(int signal) {
    require_signal(signal, "remove_signal_handler");
    if (signals_.erase(signal) == 0) return false;
    give_back(signal);
    return true;
}

/// Unless the program has put a handler of its own there meanwhile.
void signal_handlers::give_back(int signal) noexcept {
    slot& s = slot_of(signal);
    {
        const std::lock_guard held(slots_lock);
        struct sigaction now {};
        if (set_signal_action(signal, nullptr, &now) == 0 && now.sa_handler == &on_signal)
            set_signal_action(signal, &s.before, nullptr);
        s.owner = nullptr;
    }
    descriptors_.remove(s.descriptor.load(), descriptor_callbacks::direction::read);
}

void signal_handlers::remove_all() noexcept {
    for (const int signal : std::exchange(signals_, {})) give_back(signal);
}

void forget_saved_handler(int signal, void (*handler)(int)) noexcept {
    const std::lock_guard held(slots_lock);
    slot& s = slot_of(signal);
    if (s.owner == nullptr || s.before.sa_handler != handler) return;
    s.before = {};
    s.before.sa_handler = SIG_DFL;
}

}  // namespace brio::inline v0::detail
