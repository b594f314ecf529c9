#pragma once
// Says in words that a fiber has used up its stack. Without it, the guard turns an overflow into a
// plain SIGSEGV whose handler cannot even run, because there is no stack left for it.
//
// 1. While a stack_overflow_reporter exists on a thread, handlers for SIGSEGV and SIGBUS run on a
//    stack of their own there, and the faults of that thread are compared with the guards of its
//    pool.
// 2. The program dies as it would have: after the report the handlers that were there before are
//    back, and the access is repeated. A fault that is none of ours goes to the earlier handler.
// 3. The handlers are installed with the first reporter of the process and taken out with the last,
//    unless somebody has put one on top in the meantime.

#include "context/stack_pool.hpp"

#include <memory>
#include <signal.h>
#include <span>
#include <string_view>

namespace brio::inline v0::detail {

class stack_overflow_reporter {
public:
    /// The name of the fiber on that stack; empty where there is none. Called in the signal
    /// handler, so it does not allocate: a name that has to be put together goes into the room.
    using name_room = std::span<char, 32>;
    using fiber_name = std::string_view (*)(const stack&, name_room) noexcept;

    /// **Ownership**: `pool` must outlive the reporter. **Thread**: watches the calling thread;
    /// destroyed on the same one. Reporters of a thread nest: the newest is asked first.
    /// **Throws** std::system_error when the alternate signal stack cannot be set.
    stack_overflow_reporter(const stack_pool& pool, fiber_name name_of);
    stack_overflow_reporter(const stack_overflow_reporter&) = delete;
    stack_overflow_reporter& operator=(const stack_overflow_reporter&) = delete;
    ~stack_overflow_reporter();

    /// Writes the report when `address` lies in a guard of this thread's pools, else returns false.
    /// Signal-safe.
    static bool report(const void* address) noexcept;

private:
    const stack_pool& pool_;
    const fiber_name name_of_;
    stack_overflow_reporter* const outer_;  // of the same thread
    struct unmapped {
        void operator()(std::byte* memory) const noexcept;
    };
    // A mapping, not of the heap: LeakSanitizer does not look for it when a fiber calls exit().
    std::unique_ptr<std::byte, unmapped> signal_stack_;
    stack_t earlier_signal_stack_{};
};

}  // namespace brio::inline v0::detail
