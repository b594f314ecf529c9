#include "posix/allocator.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <dlfcn.h>
#include <initializer_list>
#include <link.h>

namespace brio::inline v0::detail::posix {

namespace {

constinit std::uintptr_t first = 0;
constinit std::uintptr_t size = 0;

std::uintptr_t number(const void* address) noexcept {
    return reinterpret_cast<std::uintptr_t>(address);
}

/// The executable segment that holds `code`, unless it is the program's own or libc's.
int note_segment_of(dl_phdr_info* object, std::size_t, void* code) {
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const auto& part = object->dlpi_phdr[i];
        const std::uintptr_t begin = object->dlpi_addr + part.p_vaddr;
        if (part.p_type != PT_LOAD || number(code) - begin >= part.p_memsz) continue;
        first = begin;
        size = part.p_memsz;
        return 1;
    }
    return 0;
}

}  // namespace

/// An allocator that is linked into the program itself cannot be told from the program.
void find_allocator() noexcept {
    void* const allocator = ::dlsym(RTLD_DEFAULT, "malloc");
    void* const libc = ::dlsym(RTLD_DEFAULT, "gnu_get_libc_version");
    void* const program = ::dlsym(RTLD_DEFAULT, "_start");
    Dl_info of_allocator = {};
    Dl_info of_other = {};
    if (allocator == nullptr || ::dladdr(allocator, &of_allocator) == 0) return;
    for (void* const other : {libc, program})
        if (other != nullptr && ::dladdr(other, &of_other) != 0 &&
            of_other.dli_fbase == of_allocator.dli_fbase)
            return;
    ::dl_iterate_phdr(&note_segment_of, allocator);
}

bool is_in_allocator(const void* code) noexcept {
    return number(code) - first < size;
}

}  // namespace brio::inline v0::detail::posix
