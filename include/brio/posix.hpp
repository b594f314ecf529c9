#pragma once
// Unmodified blocking code. A program that links brio::posix (or runs with the preload object) needs
// nothing from this header: libc's blocking calls suspend the calling fiber. It is for programs that
// want to know, insist or opt out, and for callbacks from C. docs/porting.md has the rules.

#include <brio/version.hpp>

#include <string_view>

namespace brio::inline v0 {

namespace posix {

/// Whether libc's blocking calls suspend fibers in this process: the layer is linked or preloaded,
/// its symbols have taken, and BRIO_POSIX=off is not set. Any thread.
[[nodiscard]] bool active() noexcept;

/// Throws usage_error where active() is false; the text says why, naming the first symbol that was
/// not taken. Any thread.
void require();

/// Whether a call of libc's `symbol` ("recv", "__read_chk", ...) suspends the calling fiber instead
/// of blocking its thread. Any thread.
[[nodiscard]] bool suspends(std::string_view symbol) noexcept;

/// libc's own behaviour in the running fiber while it lives: calls block the thread, and no cancel
/// reaches them. (Who wants a FILE or a mutex that another fiber of the thread has is suspended all
/// the same: that one has to run.) For code whose blocking is short and whose timing must not change.
/// Scopes nest, and end in the fiber that began them; outside fibers one does nothing. Never suspends
/// itself.
class [[nodiscard]] passthrough_scope {
public:
    passthrough_scope() noexcept;
    passthrough_scope(const passthrough_scope&) = delete;
    passthrough_scope& operator=(const passthrough_scope&) = delete;
    ~passthrough_scope();

private:
    void* fiber_;
    bool before_ = false;
};

}  // namespace posix

/// For a function that C code calls back (curl's write function, qsort's comparison): while one
/// lives in the running fiber, nothing throws cancelled_error, because C frames cannot be unwound.
/// What the callback does may suspend as ever; a cancel stays pending, and the C function learns of
/// it from its next blocking call, which fails with ECANCELED. Other exceptions are not held back:
/// catch them inside the callback. Scopes nest; outside fibers one does nothing. Never suspends.
class [[nodiscard]] c_callback {
public:
    c_callback() noexcept;
    c_callback(const c_callback&) = delete;
    c_callback& operator=(const c_callback&) = delete;
    ~c_callback();

private:
    void* fiber_;
};

}  // namespace brio
