#pragma once
// What a context's variables are set to: a sorted array, shared by the contexts that are copies of
// each other, and copied when one of them changes.
//
// 1. A map that more than one holds never changes. One that has a single holder is changed in place
//    where that takes no room.
// 2. Keys of fiber-local variables are above all others: what is inherited is the front part.
// 3. No map is empty: nothing set is a null pointer.
// 4. The counts are atomic: a context may go to another thread.

#include <brio/context.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace brio::inline v0::detail {

class context_map {
public:
    struct entry {
        context_key key;
        context_value* value;  // counted
    };

    context_map(const context_map&) = delete;
    context_map& operator=(const context_map&) = delete;

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    [[nodiscard]] context_value* find(context_key key) const noexcept;
    [[nodiscard]] bool has_locals() const noexcept;

    /// In the map that `slot` holds (null: nothing is set) `key` becomes `value` (null: is taken
    /// out), whose reference is taken over. Returns what was there before, the caller's.
    static context_value* exchange(context_map*& slot, context_key key, context_value* value);
    /// What a copy of the context begins with: counted, null for nothing.
    [[nodiscard]] static context_map* inherited(context_map* map);

private:
    explicit context_map(std::vector<entry> entries) noexcept : entries_(std::move(entries)) {}
    ~context_map();
    /// The first whose key is not below `key`.
    [[nodiscard]] std::size_t place_of(context_key key) const noexcept;
    [[nodiscard]] static context_map* with(std::vector<entry> entries);

    std::atomic<std::uint32_t> references_{1};
    std::vector<entry> entries_;
};

/// The current context of a running task is its own; of everything else the thread's, which for the
/// length of a callback is the callback's.
[[nodiscard]] context_map*& current_slot() noexcept;
/// A counted copy of the current context, without what is local.
[[nodiscard]] context_map* inherited_context();

}  // namespace brio::inline v0::detail
