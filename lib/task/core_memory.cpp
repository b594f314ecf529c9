// Memory for futures and tasks: small blocks that a thread frees are kept for its next ones.
//
// Futures live shortly and are made by one thread only, so a list a size needs neither a lock nor a
// header; malloc and free are a third of what a hand-over through a fresh future costs. Bounded: what
// is above `keep` goes back. Under AddressSanitizer every block is malloc's, so that it sees misuse.

#include "context/sanitizers.hpp"

#include <brio/detail/future_core.hpp>

#include <array>
#include <cstddef>
#include <new>

namespace brio::inline v0::detail {
namespace {

constexpr std::size_t granule = 64;  // bytes: a cache line
constexpr std::size_t largest = 4 * granule;
constexpr unsigned keep = 1024;  // blocks of a size

struct free_block {
    free_block* next;
};
struct free_list {
    free_block* first = nullptr;
    unsigned count = 0;
};
struct block_cache {
    std::array<free_list, largest / granule> lists = {};
    bool open = false;  // between the thread's first block and its end
};
constinit thread_local block_cache cache [[gnu::tls_model("initial-exec")]];

/// Gives everything back at the end of the thread.
struct closing {
    ~closing() {
        cache.open = false;
        for (free_list& list : cache.lists)
            while (free_block* const block = list.first) {
                list.first = block->next;
                ::operator delete(block);
            }
    }
};

[[gnu::noinline]] void* allocate_fresh(std::size_t size) {
    thread_local closing at_thread_end;
    static_cast<void>(at_thread_end);
    cache.open = true;
    return ::operator new((size + granule - 1) / granule * granule);
}

#if defined(BRIO_ADDRESS_SANITIZER)
constexpr bool caching = false;
#else
constexpr bool caching = true;
#endif

}  // namespace

void* future_core::operator new(std::size_t size) {
    if (!caching || size > largest) return ::operator new(size);
    free_list& list = cache.lists[(size - 1) / granule];
    if (list.first == nullptr) return allocate_fresh(size);
    free_block* const block = list.first;
    list.first = block->next;
    --list.count;
    return block;
}

void future_core::operator delete(void* memory, std::size_t size) noexcept {
    if (!caching || size > largest || !cache.open) return ::operator delete(memory);
    free_list& list = cache.lists[(size - 1) / granule];
    if (list.count == keep) return ::operator delete(memory);
    list.first = ::new (memory) free_block{list.first};
    ++list.count;
}

// Results with a large alignment are rare.
void* future_core::operator new(std::size_t size, std::align_val_t alignment) {
    return ::operator new(size, alignment);
}

void future_core::operator delete(void* memory, std::size_t, std::align_val_t alignment) noexcept {
    ::operator delete(memory, alignment);
}

}  // namespace brio::inline v0::detail
