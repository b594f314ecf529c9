// The table of symbols.def with the address of each hook.

#include "posix/symbols.hpp"

#include "context/sanitizers.hpp"

// Only the addresses are of interest here, not the types.
#define SYMBOL(name, ...) extern "C" __attribute__((visibility("hidden"))) void brio_posix_##name();
#if defined(BRIO_POSIX_STATIC)
#define DYNAMIC(...)
#endif
#include "posix/symbols.def"

namespace brio::inline v0::detail::posix {

namespace {

enum class symbol_class { waits, stdio, notes };

#define SYMBOL(name, kind, suspends, when_cancelled) \
    {#name,                                          \
     symbol_class::kind != symbol_class::notes,      \
     symbol_class::kind == symbol_class::stdio,      \
     suspends,                                       \
     when_cancelled,                                 \
     reinterpret_cast<void*>(&brio_posix_##name)},
#if defined(BRIO_POSIX_STATIC)
#define DYNAMIC(...)
#endif
const interposed_symbol table[] = {
#include "posix/symbols.def"
};

}  // namespace

std::span<const interposed_symbol> symbols() noexcept {
    return table;
}

}  // namespace brio::inline v0::detail::posix
