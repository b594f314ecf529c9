#pragma once
// Stacks for fibers: cut from large mappings, guarded, committed when touched, reused last in first
// out.
//
//   a slab:   | guard | stack 0 | guard | stack 1 | ...
//   a stack:  limit [ ........ frames <- | link when free ] top
//
// 1. A stack that has been handed out has a guard below it, always: allocate() throws rather than
//    omit one.
// 2. A free stack is warm (its memory is kept; the link to the next warm one lies just below its
//    top, in the page that is in use anyway) or cold (its memory has been given back; only a list
//    outside knows it, so nothing touches it).
// 3. Tops are staggered by 0 to 15 cache lines below the end: at equal distances the tops of all
//    stacks fall into the same L1 set.
// 4. The distance from one stack to the next is an odd number of pages. At 80 pages instead of 81 a
//    ring of 1,000 fibers switched in 7.6 ns instead of 6.0, and in 21 instead of 7 when they took
//    turns at random: even distances use few sets of the TLB.
// 5. Slabs live until the pool is destroyed. A pool belongs to one thread.
//
//   fresh -> in use -> warm -> in use ...
//                       '----> cold -> in use ...

#include "context/sanitizers.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace brio::inline v0::detail {

struct stack {
    void* limit = nullptr;  // lowest usable byte; the guard ends here
    void* top = nullptr;    // a multiple of 64; frames grow down from here
    std::size_t size =
        0;  // bytes from limit to the end of the memory, which is up to 960 above top
};

struct stack_pool_options {
    std::size_t size = 256 * 1024;  // bytes of a stack where allocate() is not told
    std::size_t keep =
        1024;  // warm free stacks; what is above is given back to the kernel in batches
};

struct stack_statistics {
    std::size_t in_use = 0;  // stacks handed out
    std::size_t warm = 0;    // free, memory kept
    std::size_t cold = 0;    // free, memory given back
    std::size_t slabs = 0;
    std::size_t reserved_bytes = 0;    // address space of all slabs, guards included
    bool guards_are_mappings = false;  // guarded by mprotect, which costs two mappings a stack
};

class stack_pool {
public:
    static constexpr std::size_t give_back_batch = 64;
    static const std::size_t size_multiplier;  // 1; more without optimisation and with sanitizers

    explicit stack_pool(const stack_pool_options& options = {});
    stack_pool(const stack_pool&) = delete;
    stack_pool& operator=(const stack_pool&) = delete;
    ~stack_pool();

    /// A stack of at least `size` times size_multiplier bytes (the size of the options when 0),
    /// rounded up to a power of two. The memory is not cleared.
    /// **Throws** std::system_error when the kernel gives no memory or no guard; it names the limit
    /// to raise.
    [[nodiscard]] stack allocate(std::size_t size = 0);

    /// Takes back a stack that no execution uses any more.
    void release(const stack& s) noexcept;

    [[nodiscard]] stack_statistics statistics() const noexcept;

    /// Bytes of a guard: 64 KiB, because a large frame of a library that was built without stack
    /// probes would step over a single page, and what makes the number of pages odd.
    [[nodiscard]] static std::size_t guard_size() noexcept;

    /// The stack whose guard contains `address`; all null when there is none. Safe in a signal
    /// handler.
    [[nodiscard]] stack guarded_by(const void* address) const noexcept;
    /// Whether `address` lies in a stack of the pool, or in a guard. Safe in a signal handler.
    [[nodiscard]] bool holds(const void* address) const noexcept;

private:
    struct slab;
    struct size_class {
        std::size_t size = 0;
        std::byte* warm = nullptr;     // top of the stack that was released last
        std::vector<std::byte*> cold;  // tops; has room for every stack of the class
        slab* newest = nullptr;        // the one that fresh stacks are cut from
        std::size_t stacks = 0;        // in all slabs of the class
    };
    static constexpr std::size_t class_count = 40;

    // The staggered top lies in the last bytes of its stack, so the end can be computed from it.
    // Inline, and by value: three words that go through memory in pieces cost a stalled load.
    static constexpr std::size_t top_page = 4096;
    [[nodiscard]] static std::byte* end_of_stack(std::byte* top) noexcept {
        const auto last = reinterpret_cast<std::uintptr_t>(top) - 1;
        return top + (top_page - 1 - last % top_page);
    }
    [[nodiscard]] static stack stack_with(std::byte* top, std::size_t size) noexcept {
        return {end_of_stack(top) - size, top, size};
    }
    [[nodiscard]] static std::byte*& link_below(std::byte* top) noexcept {
        return reinterpret_cast<std::byte**>(top)[-1];
    }

    size_class& class_for(std::size_t size);
    std::byte* take_cold(size_class& c);
    void add_slab(size_class& c);
    std::byte* cut_fresh(size_class& c);
    void install_guard(std::byte* guard);
    static void forget_frames(const slab& s) noexcept;
    void give_back_batch_of_stacks() noexcept;
    std::size_t give_back(size_class& c, std::size_t most) noexcept;

    const std::size_t keep_;
    std::array<size_class, class_count> classes_{};
    slab* slabs_ = nullptr;  // newest first; always whole, because the signal handler reads it
    size_class* default_class_;
    std::size_t warm_ = 0;  // of all classes
    std::size_t cut_ = 0;   // stacks that have been handed out at least once
    bool guards_are_mappings_;
};

inline stack stack_pool::allocate(std::size_t size) {
    size_class& c = size == 0 ? *default_class_ : class_for(size);
    std::byte* top = c.warm;
    if (top != nullptr) [[likely]] {
        c.warm = link_below(top);
        --warm_;
    } else {
        top = take_cold(c);
    }
    return stack_with(top, c.size);
}

inline void stack_pool::release(const stack& s) noexcept {
    size_class& c = classes_[static_cast<std::size_t>(std::countr_zero(s.size))];
    unpoison_stack(s.limit, s.size);
    auto* top = static_cast<std::byte*>(s.top);
    link_below(top) = c.warm;
    c.warm = top;
    if (++warm_ >= keep_ + give_back_batch) [[unlikely]]
        give_back_batch_of_stacks();
}

}  // namespace brio::inline v0::detail
