#pragma once
// add_signal_handler. A process-wide handler adds one to an eventfd of its signal, which the loop
// watches like any other descriptor: docs/decisions/0009-signals-by-handler.md says why no signalfd.
//
// 1. A signal belongs to one loop at a time.
// 2. The eventfd of a signal is made at its first use and never closed: the handler may be running on
//    another thread while the loop that owned the signal goes.
// 3. It counts, and each call of the callback takes one: a callback for each delivery, as in asyncio.
// 4. A child of fork inherits handler and descriptor. There the handler does nothing: it would tell
//    the parent's loop.

#include <brio/event_loop.hpp>

#include <memory>
#include <set>

namespace brio::inline v0::detail {

class descriptor_callbacks;

class signal_handlers {
public:
    explicit signal_handlers(descriptor_callbacks& descriptors) noexcept
        : descriptors_(descriptors) {}
    signal_handlers(const signal_handlers&) = delete;
    signal_handlers& operator=(const signal_handlers&) = delete;
    ~signal_handlers() { remove_all(); }

    /// Replaces the one that is there.
    void set(int signal, std::unique_ptr<callback_body> body);
    /// Restores what the signal did before. False when there is none.
    bool remove(int signal);
    void remove_all() noexcept;

private:
    void claim(int signal);
    void give_back(int signal) noexcept;

    descriptor_callbacks& descriptors_;
    std::set<int> signals_;
};

/// `handler` goes away: where removing a signal handler would bring it back, the default action
/// comes in its place.
void forget_saved_handler(int signal, void (*handler)(int)) noexcept;

}  // namespace brio::inline v0::detail
