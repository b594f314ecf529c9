#include "posix/libc_stdio.hpp"

#include <atomic>
#include <dlfcn.h>

namespace brio::inline v0::detail::posix {

namespace {

constinit stdio_functions found = {};
constinit std::atomic<bool> looked_up{false};

/// Threads that do it at once write the same.
void look_up() noexcept {
#define BRIO_RESOLVE(name)                                                      \
    std::atomic_ref(found.name)                                                 \
        .store(reinterpret_cast<decltype(found.name)>(dlsym(RTLD_NEXT, #name)), \
               std::memory_order_relaxed);
    BRIO_STDIO_FUNCTIONS(BRIO_RESOLVE)
#undef BRIO_RESOLVE
    looked_up.store(true, std::memory_order_release);
}

}  // namespace

const stdio_functions& libc_stdio() noexcept {
    if (!looked_up.load(std::memory_order_acquire)) [[unlikely]]
        look_up();
    return found;
}

}  // namespace brio::inline v0::detail::posix
