#include "base/signal_action.hpp"

#include <array>
#include <atomic>

// glibc's sigaction by its other name, which nobody replaces.
extern "C" __attribute__((weak)) int __sigaction(int, const struct sigaction*,
                                                 struct sigaction*) noexcept;

namespace brio::inline v0::detail {

namespace {

// There are as many as there are kinds of handlers in Brio; a new kind needs a place.
constinit std::array<std::atomic<sighandler_t>, 4> own_handlers = {};

// ThreadSanitizer has to know of handlers: it lets none run while it is at work itself.
#if defined(__SANITIZE_THREAD__)
constexpr bool sanitizer_must_know = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
constexpr bool sanitizer_must_know = true;
#else
constexpr bool sanitizer_must_know = false;
#endif
#else
constexpr bool sanitizer_must_know = false;
#endif

}  // namespace

int set_signal_action(int signal, const struct sigaction* action,
                      struct sigaction* before) noexcept {
    return (&__sigaction != nullptr && !sanitizer_must_know ? __sigaction : ::sigaction)(
        signal, action, before);
}

void add_own_handler(sighandler_t handler) noexcept {
    for (std::atomic<sighandler_t>& place : own_handlers) {
        sighandler_t there = nullptr;
        if (place.compare_exchange_strong(there, handler) || there == handler) return;
    }
}

bool is_own_handler(sighandler_t handler) noexcept {
    for (const std::atomic<sighandler_t>& place : own_handlers)
        if (place.load() == handler) return handler != nullptr;
    return false;
}

}  // namespace brio::inline v0::detail
