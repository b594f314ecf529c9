#pragma once
// The one check for "this cannot happen": on in release builds too, because a scheduler that goes
// on with a broken invariant corrupts the stack of some other fiber, far from the cause.

namespace brio::inline v0::detail {

/// Called once, after the message and before the abort, to print the fibers. Null until a higher
/// floor sets it.
extern void (*dump_on_broken_invariant)() noexcept;

[[noreturn, gnu::cold]] void broken_invariant(const char* what, const char* file,
                                              int line) noexcept;

/// Aborts with a message, and a dump of the fibers where one is available, when `holds` is false.
inline void invariant(bool holds, const char* what, const char* file = __builtin_FILE(),
                      int line = __builtin_LINE()) noexcept {
    if (!holds) [[unlikely]]
        broken_invariant(what, file, line);
}

}  // namespace brio::inline v0::detail
