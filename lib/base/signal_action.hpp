#pragma once
// Brio's own signal handlers. The porting layer ends waits when a handler of the program's has run; these are
// none of the program's, so they are set past it, and it knows them when the program puts one back that it
// has found.

#include <csignal>

namespace brio::inline v0::detail {

/// As sigaction(2), past the layer.
int set_signal_action(int signal, const struct sigaction* action,
                      struct sigaction* before) noexcept;
/// Tells that `handler` is Brio's.
void add_own_handler(sighandler_t handler) noexcept;
[[nodiscard]] bool is_own_handler(sighandler_t handler) noexcept;

}  // namespace brio::inline v0::detail
