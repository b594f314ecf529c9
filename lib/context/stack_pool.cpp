#include "context/stack_pool.hpp"

#include "base/feature_mask.hpp"
#include "base/invariant.hpp"
#include "context/sanitizers.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

namespace brio::inline v0::detail {

namespace {

// Linux 6.13; the C library's headers do not have it yet.
constexpr int madv_guard_install = 102;

constexpr std::size_t cache_line = 64;
// More steps would push the record and the first frames of many fibers into a second page.
constexpr std::size_t stagger_steps = 16;

// A multiple of every page size Linux has on the machines we know.
constexpr std::size_t smallest_size = 64 * 1024;
constexpr std::size_t smallest_guard = 64 * 1024;
constexpr std::size_t first_slab = 16;
constexpr std::size_t slab_growth = 4;
constexpr std::size_t largest_slab = 4096;
constexpr std::size_t largest_slab_bytes = std::size_t{4} << 30;

#if defined(BRIO_ADDRESS_SANITIZER) || defined(BRIO_THREAD_SANITIZER)
constexpr std::size_t frame_growth = 4;
#elif !defined(__OPTIMIZE__)
constexpr std::size_t frame_growth = 2;
#else
constexpr std::size_t frame_growth = 1;
#endif

}  // namespace

const std::size_t stack_pool::size_multiplier = frame_growth;

struct stack_pool::slab {
    slab* older;  // of any class
    std::byte* begin;
    std::size_t stack_size;
    std::size_t stacks;
    std::size_t fresh;  // index of the first stack that has not been cut yet

    std::size_t stride() const { return guard_size() + stack_size; }
    std::size_t bytes() const { return stacks * stride(); }
    std::byte* guard(std::size_t index) const { return begin + index * stride(); }
    std::byte* top(std::size_t index) const {
        return guard(index) + stride() - index % stagger_steps * cache_line;
    }
};

stack_pool::stack_pool(const stack_pool_options& options)
    : keep_(options.keep),
      default_class_(&class_for(options.size)),
      guards_are_mappings_(masked(feature::guard)) {}

/// Of executions that were never continued: what is mapped here next is not theirs. Only pages that
/// have been touched, for AddressSanitizer's shadow of all others would cost an eighth of their size.
void stack_pool::forget_frames(const slab& s) noexcept {
    const std::size_t page = top_page;
    for (std::size_t i = 0; i < s.fresh; ++i) {
        std::byte* const limit = s.guard(i) + guard_size();
        unsigned char resident = 1;
        for (std::byte* at = s.guard(i) + s.stride(); at > limit;) {
            at -= page;
            if (::mincore(at, page, &resident) != 0 || (resident & 1U) == 0) break;
            unpoison_stack(at, page);
        }
    }
}

stack_pool::~stack_pool() {
    while (slabs_ != nullptr) {
        const std::unique_ptr<slab> last(slabs_);
        slabs_ = last->older;
        if (sanitizers_watch_switches) forget_frames(*last);
        invariant(::munmap(last->begin, last->bytes()) == 0, "a slab of stacks can be unmapped");
    }
}

std::byte* stack_pool::take_cold(size_class& c) {
    if (c.cold.empty()) return cut_fresh(c);
    std::byte* const top = c.cold.back();
    c.cold.pop_back();
    return top;
}

std::size_t stack_pool::guard_size() noexcept {
    static const std::size_t size = [] {
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        return (smallest_guard / page | 1) * page;
    }();
    return size;
}

stack_statistics stack_pool::statistics() const noexcept {
    stack_statistics result;
    result.warm = warm_;
    for (const size_class& c : classes_) result.cold += c.cold.size();
    result.in_use = cut_ - result.warm - result.cold;
    for (const slab* s = slabs_; s != nullptr; s = s->older) {
        ++result.slabs;
        result.reserved_bytes += s->bytes();
    }
    result.guards_are_mappings = guards_are_mappings_;
    return result;
}

stack stack_pool::guarded_by(const void* address) const noexcept {
    const auto wanted = reinterpret_cast<std::uintptr_t>(address);
    for (const slab* s = slabs_; s != nullptr; s = s->older) {
        const std::uintptr_t offset = wanted - reinterpret_cast<std::uintptr_t>(s->begin);
        if (offset >= s->bytes()) continue;
        const std::size_t index = offset / s->stride();
        if (index >= s->fresh || offset % s->stride() >= guard_size()) return {};
        return stack_with(s->top(index), s->stack_size);
    }
    return {};
}

bool stack_pool::holds(const void* address) const noexcept {
    const auto wanted = reinterpret_cast<std::uintptr_t>(address);
    for (const slab* s = slabs_; s != nullptr; s = s->older)
        if (wanted - reinterpret_cast<std::uintptr_t>(s->begin) < s->bytes()) return true;
    return false;
}

stack_pool::size_class& stack_pool::class_for(std::size_t size) {
    if (size > (std::size_t{1} << (class_count - 1)) / size_multiplier) {
        throw std::system_error(ENOMEM, std::generic_category(),
                                "a stack of " + std::to_string(size) + " bytes");
    }
    const std::size_t rounded = std::max(smallest_size, std::bit_ceil(size * size_multiplier));
    size_class& c = classes_[static_cast<std::size_t>(std::countr_zero(rounded))];
    c.size = rounded;
    return c;
}

void stack_pool::add_slab(size_class& c) {
    const std::size_t fitting =
        std::max<std::size_t>(1, largest_slab_bytes / (guard_size() + c.size));
    const std::size_t wanted = c.newest == nullptr ? first_slab : c.newest->stacks * slab_growth;
    auto s = std::make_unique<slab>();
    s->stack_size = c.size;
    s->stacks = std::min({wanted, largest_slab, fitting});
    c.cold.reserve(c.stacks + s->stacks);
    void* memory = ::mmap(nullptr, s->bytes(), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) {
        throw std::system_error(errno, std::generic_category(),
                                "mmap of " + std::to_string(s->bytes()) + " bytes for " +
                                    std::to_string(s->stacks) +
                                    " stacks (limits: ulimit -v, sysctl vm.overcommit_memory)");
    }
    // MAP_STACK keeps huge pages away since Linux 6.7 only. Fails where the kernel has none, which
    // is as good.
    ::madvise(memory, s->bytes(), MADV_NOHUGEPAGE);
    s->begin = static_cast<std::byte*>(memory);
    s->older = slabs_;
    c.stacks += s->stacks;
    c.newest = slabs_ = s.release();
}

// Guards are installed stack by stack, because a guard costs page tables and most slabs are never
// used up.
std::byte* stack_pool::cut_fresh(size_class& c) {
    if (c.newest == nullptr || c.newest->fresh == c.newest->stacks) add_slab(c);
    slab& s = *c.newest;
    install_guard(s.guard(s.fresh));
    ++cut_;
    return s.top(s.fresh++);
}

void stack_pool::install_guard(std::byte* guard) {
    if (!guards_are_mappings_) {
        if (::madvise(guard, guard_size(), madv_guard_install) == 0) return;
        // Before Linux 6.13, and in locked memory on any: EINVAL. It will not get better for the
        // next stack.
        guards_are_mappings_ = true;
    }
    if (::mprotect(guard, guard_size(), PROT_NONE) == 0) return;
    throw std::system_error(errno, std::generic_category(),
                            "mprotect of a guard below stack number " + std::to_string(cut_ + 1) +
                                ": each takes two mappings here (raise sysctl vm.max_map_count)");
}

// From the largest size down, so that a batch is always full: with fewer than a batch a size in
// steady use would lose its stacks one system call at a time to others that only lie there.
void stack_pool::give_back_batch_of_stacks() noexcept {
    std::size_t wanted = give_back_batch;
    for (auto c = classes_.rbegin(); c != classes_.rend() && wanted != 0; ++c) {
        wanted -= give_back(*c, wanted);
    }
}

// Takes the stacks that were released last: a crowd of fibers that ends in order has left
// neighbours there, and a run of neighbours is one system call. Guards inside the range survive it,
// both kinds.
std::size_t stack_pool::give_back(size_class& c, std::size_t most) noexcept {
    std::array<std::byte*, give_back_batch> tops;
    std::size_t count = 0;
    for (; count < most && c.warm != nullptr; ++count) {
        tops[count] = c.warm;
        c.warm = link_below(c.warm);
    }
    warm_ -= count;
    std::sort(tops.begin(), tops.begin() + count, std::greater<>());
    for (std::size_t i = 0; i < count;) {
        std::byte* const end = end_of_stack(tops[i]);
        std::byte* limit = end;
        do {
            limit = end_of_stack(tops[i]) - c.size;
            c.cold.push_back(tops[i++]);
        } while (i < count && end_of_stack(tops[i]) == limit - guard_size());
        // Locked memory cannot be given back; the stack is as usable with it.
        ::madvise(limit, static_cast<std::size_t>(end - limit), MADV_DONTNEED);
    }
    return count;
}

}  // namespace brio::inline v0::detail
