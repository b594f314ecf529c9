// What happens before main: libc's functions are looked up, BRIO_POSIX is read, and the layer checks
// that its symbols have taken. A layer that was linked and does not work is found out here, with a
// message, and not by a program that mysteriously does one thing at a time.

#include "base/private_descriptor.hpp"
#include "base/system_call.hpp"
#include "base/system_calls.hpp"
#include "posix/allocator.hpp"
#include "posix/caller.hpp"
#include "posix/fiber_state.hpp"
#include "posix/futex.hpp"
#include "posix/interruption.hpp"
#include "posix/layer.hpp"
#include "posix/real.hpp"
#include "posix/shell.hpp"
#include "posix/stdio_files.hpp"
#include "posix/stdio_slots.hpp"
#include "posix/symbols.hpp"
#include "posix/threads.hpp"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <string>
#include <string_view>

// Weak: see real.cpp.
extern "C" __attribute__((weak)) decltype(dlsym) dlsym;

namespace brio::inline v0::detail::posix {

namespace {

/// Whether `address` is where an executable that is not position-independent jumps to a function of
/// somebody else: the linker gives such a place the function's name when its address is taken.
bool is_a_jump(const void* address) noexcept {
    Dl_info found = {};
    ElfW(Sym)* symbol = nullptr;
    return ::dladdr1(address, &found, reinterpret_cast<void**>(&symbol), RTLD_DL_SYMENT) != 0 &&
           symbol != nullptr && symbol->st_shndx == SHN_UNDEF;
}

/// What a call of `name` from anywhere in the process reaches; null where that cannot be told: in static
/// executables, where the linker has seen to it, and behind a jump.
void* reached_by(const char* name) noexcept {
    void* const reached = &dlsym == nullptr ? nullptr : dlsym(RTLD_DEFAULT, name);
    return reached == nullptr || is_a_jump(reached) ? nullptr : reached;
}

const interposed_symbol* first_lost() noexcept {
    for (const interposed_symbol& row : symbols())
        if (void* const reached = reached_by(row.name); reached != nullptr && reached != row.ours)
            return &row;
    return nullptr;
}

const char* first_not_taken() noexcept {
    const interposed_symbol* const lost = first_lost();
    return lost == nullptr ? nullptr : lost->name;
}

[[noreturn]] void refuse_to_start(const std::string& text) {
    system_calls::write_error_text("brio: " + text + "\n");
    system_call(SYS_exit_group, 127);
    __builtin_unreachable();
}

/// BRIO_POSIX: on (as when it is not set) or off.
bool wanted() {
    const char* const value = std::getenv("BRIO_POSIX");
    if (value == nullptr || std::string_view(value) == "on") return true;
    if (std::string_view(value) == "off") return false;
    refuse_to_start("BRIO_POSIX is '" + std::string(value) + "'; it may be on or off");
}

constinit layer this_layer = {{}, nullptr, &first_not_taken, false};

void stand_aside_because(const char* why) noexcept {
    this_layer.why_inactive = why;
    stand_aside();
}

std::string file_of(const void* address) {
    Dl_info where = {};
    const bool found = ::dladdr(address, &where) != 0 && where.dli_fname != nullptr;
    return found ? where.dli_fname : "another file";
}

void check_symbols() {
    const interposed_symbol* const lost = first_lost();
    if (lost == nullptr) return;
    const std::string text = "libc's " + std::string(lost->name) + " is taken by " +
                             file_of(reached_by(lost->name)) + ", not by " + file_of(lost->ours);
#if defined(BRIO_POSIX_PRELOAD)
    // The program comes before what is preloaded. It may have a layer of its own.
    system_calls::write_error_text("brio: " + text + ": the preloaded layer stands aside\n");
    stand_aside_because("a definition in the program comes before the preloaded layer's");
#else
    refuse_to_start(text +
                    ". The hooks of brio::posix are linked, but calls do not reach them: they must "
                    "be in the executable or in a library before libc, and exported (no version "
                    "script, no --exclude-libs). BRIO_POSIX=off runs without them.");
#endif
}

}  // namespace

/// Before the constructors of the program, but after those of the libraries it links.
__attribute__((constructor(101))) static void start_layer() {
    resolve_real_functions();
#if !defined(BRIO_POSIX_STATIC)
    find_allocator();
    before_first_wait = &own_openssl_errors;
#endif
    this_layer.symbols = symbols();
    linked_layer = &this_layer;
    if (!wanted()) return stand_aside_because("BRIO_POSIX=off");
    check_symbols();
#if !defined(BRIO_POSIX_STATIC)
    if (this_layer.why_inactive == nullptr) this_layer.stdio_suspends = patch_stdio();
#endif
    ::pthread_atfork(nullptr, nullptr, [] {
        loop_was_left_behind();
        no_descriptor_is_private();
        threads_after_fork();
        free_stream_list_after_fork();
#if !defined(BRIO_POSIX_STATIC)
        futexes_after_fork();
        files_after_fork();
#endif
    });
}

}  // namespace brio::inline v0::detail::posix
