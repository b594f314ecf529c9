#pragma once
// Which fiber is in which FILE. libc's lock of a FILE belongs to the thread: between the fibers of a
// thread it locks nothing. So each stdio call of a fiber claims its FILE first.
//
//   1. A claim is waited for while another fiber of the thread has one, then libc's lock is taken and
//      held: it keeps other threads out, fibers of theirs included. It belongs to the fiber, and nested
//      ones of the same fiber add up. No cancel cuts this wait short.
//   2. Claims are listed by thread: only there does libc's lock let a second fiber in. No locks, no
//      atomics.
//   3. flockfile keeps a claim until funlockfile.
//   4. Callbacks on the loop's own stack cannot wait: a call on a FILE in which a fiber is suspended
//      fails with EDEADLK. So it does not corrupt what the fiber is at.
//   5. No fiber is suspended while it holds the lock of libc's list of FILEs, which fopen and fclose
//      take: the thread would be stuck. See flush_all_files().

#include "fiber/fiber.hpp"
#include "posix/caller.hpp"
#include "posix/stdio_slots.hpp"
#include "scheduler/scheduler.hpp"

#include <cerrno>
#include <cstdio>
#include <type_traits>

namespace brio::inline v0::detail::posix {

class file_claim {
public:
    /// May suspend. `file`: null claims whatever FILE libc makes for the call itself.
    file_claim(fiber& self, FILE* file) noexcept;
    file_claim(const file_claim&) = delete;
    file_claim& operator=(const file_claim&) = delete;
    ~file_claim();
    /// fclose frees the lock with the FILE: the claims of this fiber keep it no longer.
    void before_fclose() noexcept;

private:
    friend bool may_suspend_in(const fiber& self, const FILE* file) noexcept;
    friend bool is_being_written(const FILE* file) noexcept;
    friend class suspension_in_file;
    friend void keep_claim(fiber& self, FILE* file) noexcept;
    friend bool end_kept_claim(const fiber& self, const FILE* file) noexcept;
    friend bool has_claimed_files(const fiber& self) noexcept;
    friend bool is_claimed(const fiber* except, const FILE* file) noexcept;

    void enter() noexcept;
    void leave() noexcept;

    fiber& fiber_;
    FILE* file_;
    file_claim* next_ = nullptr;
    bool has_lock_ = false;
    bool is_kept_ = false;     // by flockfile
    bool is_reading_ = false;  // by libc's table, and suspended there, perhaps
    bool is_writing_ = false;  // likewise
};

/// While one lives its fiber may be suspended inside a FILE's table. Precondition: may_suspend_in().
class suspension_in_file {
public:
    enum class direction : bool { reading, writing };
    suspension_in_file(const fiber& self, direction d) noexcept;
    suspension_in_file(const suspension_in_file&) = delete;
    suspension_in_file& operator=(const suspension_in_file&) = delete;
    ~suspension_in_file();
    /// Whether any thread's fiber is.
    [[nodiscard]] static bool anywhere() noexcept;

private:
    file_claim* claim_;
};

/// Whether `file` is what the fiber has claimed last, so that it is in no other FILE besides.
[[nodiscard]] bool may_suspend_in(const fiber& self, const FILE* file) noexcept;
/// Whether a fiber of this thread is in the middle of writing what `file` holds.
[[nodiscard]] bool is_being_written(const FILE* file) noexcept;
/// Whether a fiber of this thread other than `except` has a claim on `file`.
[[nodiscard]] bool is_claimed(const fiber* except, const FILE* file) noexcept;

/// Whether the fiber is inside of a call on a FILE. In a signal handler, too.
[[nodiscard]] bool has_claimed_files(const fiber& self) noexcept;

/// Rule 3. May suspend.
void keep_claim(fiber& self, FILE* file) noexcept;
/// False: there is none.
bool end_kept_claim(const fiber& self, const FILE* file) noexcept;

/// fflush(NULL), any thread: one FILE after the other, and only those that hold something.
int flush_all_files();

/// In the child of a fork on this thread.
void files_after_fork() noexcept;

/// What a call answers that rule 4 refuses.
template <class Result>
Result failure() noexcept {
    errno = EDEADLK;
    if constexpr (std::is_pointer_v<Result>)
        return nullptr;
    else if constexpr (std::is_signed_v<Result>)
        return Result(-1);
    else
        return Result();
}

/// call(claim), which calls libc, with `file` claimed where a fiber calls; `claim` is null elsewhere.
template <class Call>
auto with_claim(FILE* file, Call call) {
    file_claim* const none = nullptr;
    if (this_scheduler() == nullptr || !stdio_suspends()) [[likely]]
        return call(none);
    if (fiber* const self = served_fiber()) {
        const landing when_left;
        file_claim claim(*self, file);
        return call(&claim);
    }
    if (on_loop_stack() && is_claimed(nullptr, file)) return failure<decltype(call(none))>();
    return call(none);
}
template <class Call>
auto on_file(FILE* file, Call call) {
    return with_claim(file, [&](file_claim*) { return call(); });
}

}  // namespace brio::inline v0::detail::posix
