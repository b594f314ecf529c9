#pragma once
// How the core library, which every program has, knows of the hooks, which only some programs link
// or preload: they announce themselves here before main.

#include <brio/version.hpp>

#include <cstddef>
#include <span>

namespace brio::inline v0::detail::posix {

/// One row of symbols.def.
struct interposed_symbol {
    const char* name;
    bool waits;                  // its class: waits or stdio, or notes
    bool is_stdio;               // its class: waits where layer::stdio_suspends
    const char* suspends;        // until when
    const char* when_cancelled;  // what a cancelled fiber gets
    void* ours;                  // the hook
};

struct layer {
    std::span<const interposed_symbol> symbols;
    const char* why_inactive;  // null: active
    /// The name of the first symbol that is not the layer's own; null: all are.
    const char* (*first_not_taken)() noexcept;
    /// Whether libc's stdio is of the make that suspends fibers.
    bool stdio_suspends;
};

/// Null where no hooks are linked.
extern const layer* linked_layer;

}  // namespace brio::inline v0::detail::posix
