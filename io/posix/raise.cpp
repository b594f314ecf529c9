// raise, and pthread_kill to oneself: a signal that a fiber sends to itself concerns nobody else, while
// one that comes from another thread, with the same siginfo, ends a wait.

#include "posix/handlers.hpp"
#include "posix/interpose.hpp"
#include "posix/real.hpp"

using namespace brio::detail::posix;

extern "C" {

int brio_posix_raise(int signal) noexcept {
    const signal_to_oneself here(signal);
    return real.raise(signal);
}

int brio_posix_pthread_kill(pthread_t thread, int signal) noexcept {
    if (::pthread_equal(thread, ::pthread_self()) == 0) return real.pthread_kill(thread, signal);
    const signal_to_oneself here(signal);
    return real.pthread_kill(thread, signal);
}

}  // extern "C"

BRIO_INTERPOSE(raise);
BRIO_INTERPOSE(pthread_kill);
