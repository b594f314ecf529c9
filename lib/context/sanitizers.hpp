#pragma once
// What AddressSanitizer and ThreadSanitizer want to know about a switch. The only file that asks
// the compiler which of them is on; in ordinary builds both records are empty and all functions do
// nothing.

#include <cstddef>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BRIO_ADDRESS_SANITIZER 1
#endif
#if __has_feature(thread_sanitizer)
#define BRIO_THREAD_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define BRIO_ADDRESS_SANITIZER 1
#endif
#if defined(__SANITIZE_THREAD__)
#define BRIO_THREAD_SANITIZER 1
#endif

#if defined(BRIO_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(BRIO_THREAD_SANITIZER)
#include <sanitizer/tsan_interface.h>
#endif

namespace brio::inline v0::detail {

#if defined(BRIO_ADDRESS_SANITIZER) || defined(BRIO_THREAD_SANITIZER)
inline constexpr bool sanitizers_watch_switches = true;

/// The sanitizers' handles of one execution.
struct sanitizer_handles {
    void* fake_stack = nullptr;  // AddressSanitizer's, valid while suspended
    const void* limit =
        nullptr;  // bounds of the stack; of a thread's own stack known after its first switch
    std::size_t size = 0;
    void* fiber = nullptr;  // ThreadSanitizer's
    void (*entry)(void*) =
        nullptr;  // what the first frame calls once the arrival has been reported
    void* argument = nullptr;
};

/// The execution that is switching on this thread: the arriving side fills in the bounds of the
/// stack that was left.
inline thread_local sanitizer_handles* departing = nullptr;
#else
inline constexpr bool sanitizers_watch_switches = false;
struct sanitizer_handles {};
#endif

#if defined(BRIO_THREAD_SANITIZER)
inline constexpr bool under_thread_sanitizer = true;
#else
inline constexpr bool under_thread_sanitizer = false;
#endif

enum class departure { to_return, for_good };

/// On the stack that is left, last thing before the switch. Always inlined: an instrumented
/// function would report its entry for one fiber and its exit for the other.
[[gnu::always_inline]] inline void announce_switch([[maybe_unused]] sanitizer_handles& from,
                                                   [[maybe_unused]] const sanitizer_handles& to,
                                                   [[maybe_unused]] departure kind) noexcept {
#if defined(BRIO_ADDRESS_SANITIZER)
    departing = &from;
    // Null tells it to free the fake stack, so it stands for a stack that dies and for nothing
    // else.
    __sanitizer_start_switch_fiber(kind == departure::for_good ? nullptr : &from.fake_stack,
                                   to.limit, to.size);
#endif
#if defined(BRIO_THREAD_SANITIZER)
    if (from.fiber == nullptr) from.fiber = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(to.fiber, 0);
#endif
}

/// On the stack that has been reached, first thing after the switch.
inline void report_arrival([[maybe_unused]] sanitizer_handles& self) noexcept {
#if defined(BRIO_ADDRESS_SANITIZER)
    __sanitizer_finish_switch_fiber(self.fake_stack, &departing->limit, &departing->size);
#endif
}

/// Forgets the poison that frames which never returned have left on a stack. Before its memory
/// serves anything else.
inline void unpoison_stack([[maybe_unused]] void* limit,
                           [[maybe_unused]] std::size_t size) noexcept {
#if defined(BRIO_ADDRESS_SANITIZER)
    __asan_unpoison_memory_region(limit, size);
#endif
}

}  // namespace brio::inline v0::detail
