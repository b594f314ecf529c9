#pragma once
// One thread of execution and the change from one to another: the machine's switch (switch.hpp)
// together with what C++ keeps per thread and a fiber needs for itself.
//
// 1. An execution stays on its thread, so the addresses in thread_cells hold for its whole life.
// 2. The exception globals in the cells are those of the running execution, and zeros during a switch.
//    An execution that has exceptions keeps them in its own frames while it is suspended; all others,
//    new ones too, find what they left: zeros. So a fiber may suspend inside a catch and in a
//    destructor that runs during unwinding, and one that does neither pays nothing for it.
// 3. When an execution ends, no exception is alive in it.
// 4. What an execution has changed of its thread for itself (own_state) is in the thread while it runs;
//    all others find the thread as it was. Like its exceptions it is put aside by its own suspension,
//    so who has none pays nothing for it. It stays where the one who goes on has the same `own`: by
//    that the thread's own stack takes over what the last execution has left.
//
//   prepare_context -> suspended -> running ... -> switch_context_for_good -> release_context
//                          '---------- (never continued) --------------------------^

#include "base/invariant.hpp"
#include "context/sanitizers.hpp"
#include "context/switch.hpp"

#include <cstddef>
#include <cstdint>

namespace brio::inline v0::detail {

/// What the Itanium C++ ABI keeps behind __cxa_get_globals(); <cxxabi.h> only names the type.
struct exception_globals {
    void* caught_exceptions = nullptr;
    unsigned int uncaught_exceptions = 0;
#if defined(__ARM_EABI_UNWINDER__)
    void* propagating_exceptions = nullptr;
#endif

    [[nodiscard]] bool any() const noexcept {
        // One test instead of two.
        return (reinterpret_cast<std::uintptr_t>(caught_exceptions) | uncaught_exceptions) != 0;
    }
};

/// What one execution has changed of its thread for itself: its locale, its signal mask, ...
class own_state {
public:
    own_state() = default;
    own_state(const own_state&) = delete;
    own_state& operator=(const own_state&) = delete;
    /// What the thread has and what is kept here change places. Leaves errno alone.
    virtual void exchange() noexcept = 0;

protected:
    ~own_state() = default;
};

/// Addresses that are costly to ask for and never change for a thread. One for each loop.
struct thread_cells {
    exception_globals* exceptions = nullptr;
    int* error_number = nullptr;
    own_state* own = nullptr;  // what is in the thread now; null: nobody's own

    [[nodiscard]] static thread_cells of_this_thread() noexcept;
};

/// A suspended execution. Default-constructed it stands for the thread's own stack, and is filled
/// by the switch that leaves it. Must not move between prepare_context and release_context.
struct machine_context {
    void* stack_pointer = nullptr;
    own_state* own = nullptr;  // of this execution; thread_cells::own is the one in the thread
    unsigned int valgrind_stack = 0;
    [[no_unique_address]] sanitizer_handles sanitizers = {};
};

/// Prepares `c` so that the first switch to it calls entry(argument) on the stack [limit, top).
/// `top` is any multiple of 16. `entry` must not return and must not let an exception out; it ends
/// in switch_context_for_good.
void prepare_context(machine_context& c, void* limit, void* top, void (*entry)(void*),
                     void* argument) noexcept;

/// Forgets a prepared context that will not be continued: one that has ended, or that never will.
/// The stack can be used again afterwards; objects in its frames are not destroyed.
void release_context(machine_context& c) noexcept;

/// Makes the thread what it is for an execution that has `own`, perhaps null.
inline void take_own(thread_cells& cells, own_state* own) noexcept {
    if (cells.own == own) return;
    if (cells.own != nullptr) cells.own->exchange();
    cells.own = own;
    if (own != nullptr) own->exchange();
}

namespace switching {

inline void with_nothing(const thread_cells& cells, machine_context& from, void*& save,
                         const machine_context& to, void* load) noexcept {
    announce_switch(from.sanitizers, to.sanitizers, departure::to_return);
    brio_v0_switch_stack(&save, load, cells.error_number);
    report_arrival(from.sanitizers);
}
[[gnu::cold, gnu::noinline]] void with_own(thread_cells& cells, machine_context& from, void*& save,
                                           const machine_context& to, void* load) noexcept;

}  // namespace switching

/// Saves the running execution and continues `to`. Returns when something continues `from`. The
/// stack pointers are where the caller keeps them: the one of `from` goes to `save`, the one of `to`
/// is `load`. Neither context is touched but for sanitizers.
/// **Thread**: the one whose cells these are.
[[gnu::always_inline]] inline void switch_context(thread_cells& cells, machine_context& from,
                                                  void*& save, const machine_context& to,
                                                  void* load) noexcept {
    if (cells.exceptions->any() || cells.own != nullptr) [[unlikely]]
        return switching::with_own(cells, from, save, to, load);
    switching::with_nothing(cells, from, save, to, load);
}
/// The same with both stack pointers in the contexts.
inline void switch_context(thread_cells& cells, machine_context& from,
                           const machine_context& to) noexcept {
    switch_context(cells, from, from.stack_pointer, to, to.stack_pointer);
}

/// The last switch of an execution, which has no state of its own any more. release_context(from)
/// follows, from another stack.
[[noreturn, gnu::always_inline]] inline void switch_context_for_good(const thread_cells& cells,
                                                                     machine_context& from,
                                                                     const machine_context& to,
                                                                     void* load) noexcept {
    invariant(!cells.exceptions->any(), "a fiber ends while an exception of its own is alive");
    invariant(cells.own == nullptr, "a fiber ends while the thread has a state of its own");
    announce_switch(from.sanitizers, to.sanitizers, departure::for_good);
    continue_stack(load, cells.error_number);
}

/// std::uncaught_exceptions() of the running execution without its look-up.
[[nodiscard]] inline unsigned int uncaught_exceptions(const thread_cells& cells) noexcept {
    return cells.exceptions->uncaught_exceptions;
}

}  // namespace brio::inline v0::detail
