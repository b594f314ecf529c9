// stdio calls the kernel inside libc, past every symbol, but through tables: each FILE has a pointer
// to one, and in it are the functions that read and write its descriptor. libc checks where the table
// is, not what is in it. So the entries for reading and writing are replaced in place, once for all
// FILEs: of fopen, fdopen, popen, the standard streams, wide or not.
//
// 1. libc exports the addresses of both functions and of one of the tables; the others lie next to it.
//    Replaced is all or nothing: a table has both functions side by side, and glibc 2.36 has seven
//    tables. Where anything else is found nothing is touched.
// 2. The tables are in memory that is read-only once libc has been loaded, and is so again afterwards.
// 3. An entry suspends only inside a call that has come through a hook, which holds the FILE for the
//    calling fiber (stdio_files.hpp). Everything else does what libc does: it blocks the thread.
// 4. Reading from a terminal or unbuffered makes libc flush a line-buffered stdout. When a fiber is in
//    the middle of writing what stdout holds, it is written: doing it again would repeat it.

#include "posix/stdio_slots.hpp"

#include "posix/caller.hpp"
#include "posix/stdio_files.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

namespace brio::inline v0::detail::posix {

namespace {

constexpr std::size_t tables_in_libc = 7;
constexpr std::uintptr_t reach = 0xd68;  // of the tables, from the exported one to either side

using read_slot = ssize_t (*)(FILE*, void*, ssize_t);
using write_slot = ssize_t (*)(FILE*, const void*, ssize_t);

constinit slot_pair of_libc = {};
constinit bool patched = false;

ssize_t read_file(FILE* file, void* data, ssize_t size) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || !may_suspend_in(*self, file))
        return reinterpret_cast<read_slot>(of_libc.read)(file, data, size);
    const landing when_left;
    const suspension_in_file noted(*self, suspension_in_file::direction::reading);
    return ::read(::fileno_unlocked(file), data, static_cast<std::size_t>(size));
}

/// As libc's: all of it, or a part and the FILE's error mark.
ssize_t write_all(FILE* file, const char* data, ssize_t size) noexcept {
    ssize_t done = 0;
    while (done < size) {
        const ssize_t moved =
            ::write(::fileno_unlocked(file), data + done, static_cast<std::size_t>(size - done));
        if (moved < 0) {
            file->_flags |= _IO_ERR_SEEN;
            break;
        }
        done += moved;
    }
    if (file->_offset >= 0) file->_offset += done;
    return done;
}

ssize_t write_file(FILE* file, const void* data, ssize_t size) {
    fiber* const self = suspendable_fiber();
    if (self != nullptr && may_suspend_in(*self, file)) {
        const landing when_left;
        const suspension_in_file noted(*self, suspension_in_file::direction::writing);
        return write_all(file, static_cast<const char*>(data), size);
    }
    if (is_being_written(file)) return size;
    return reinterpret_cast<write_slot>(of_libc.write)(file, data, size);
}

/// Memory that the dynamic linker has made read-only.
struct relro {
    std::uintptr_t holds;  // in: an address in it
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
};

int find_relro(dl_phdr_info* object, std::size_t, void* into) noexcept {
    relro& wanted = *static_cast<relro*>(into);
    const auto page = static_cast<std::uintptr_t>(::getpagesize());
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const auto& segment = object->dlpi_phdr[i];
        if (segment.p_type != PT_GNU_RELRO) continue;
        const std::uintptr_t begin = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
        const std::uintptr_t end =
            (object->dlpi_addr + segment.p_vaddr + segment.p_memsz) & ~(page - 1);
        if (wanted.holds < begin || wanted.holds >= end) continue;
        wanted.begin = begin;
        wanted.end = end;
        return 1;
    }
    return 0;
}

int protect(const relro& memory, int protection) noexcept {
    return ::mprotect(reinterpret_cast<void*>(memory.begin), memory.end - memory.begin, protection);
}

}  // namespace

bool replace_pairs(std::span<void*> words, slot_pair from, slot_pair to,
                   std::size_t expected) noexcept {
    std::size_t pairs = 0;
    for (std::size_t i = 0; i + 1 < words.size(); ++i)
        if (words[i] == from.read && words[i + 1] == from.write) ++pairs;
    const auto all = [&](void* half) {
        return static_cast<std::size_t>(std::count(words.begin(), words.end(), half));
    };
    if (pairs != expected || all(from.read) != pairs || all(from.write) != pairs) return false;
    std::replace(words.begin(), words.end(), from.read, to.read);
    std::replace(words.begin(), words.end(), from.write, to.write);
    return true;
}

bool patch_stdio() noexcept {
    void* const table = ::dlsym(RTLD_NEXT, "_IO_file_jumps");
    of_libc = {::dlsym(RTLD_NEXT, "_IO_file_read"), ::dlsym(RTLD_NEXT, "_IO_file_write")};
    if (table == nullptr || of_libc.read == nullptr || of_libc.write == nullptr) return false;
    relro memory = {reinterpret_cast<std::uintptr_t>(table)};
    if (::dl_iterate_phdr(&find_relro, &memory) == 0) return false;
    const std::uintptr_t begin = std::max(memory.begin, memory.holds - reach);
    const std::uintptr_t end = std::min(memory.end, memory.holds + reach);
    if (protect(memory, PROT_READ | PROT_WRITE) != 0) return false;
    patched =
        replace_pairs({reinterpret_cast<void**>(begin), (end - begin) / sizeof(void*)}, of_libc,
                      {reinterpret_cast<void*>(&read_file), reinterpret_cast<void*>(&write_file)},
                      tables_in_libc);
    (void)protect(memory, PROT_READ);
    return patched;
}

bool stdio_suspends() noexcept {
    return patched;
}

}  // namespace brio::inline v0::detail::posix
