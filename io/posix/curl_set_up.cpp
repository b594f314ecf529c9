// libcurl sets itself up at the first call of curl_easy_init or curl_global_init, and holds a spin lock
// meanwhile, in which OpenSSL opens and reads files. Were that a fiber's wait, the next fiber that makes
// a handle would spin for it on the same thread, for ever. So on a fiber another thread sets libcurl up.
//
// 1. Afterwards the lock is held for an instant only, and handles are made at once. What
//    curl_global_cleanup takes down needs no file to be set up again.
// 2. Not libc's, so without a row in symbols.def; weak, so that a program with libcurl inside it has that.
// 3. Nothing of libcurl is needed to build or run this.

#include "base/system_calls.hpp"
#include "posix/caller.hpp"
#include "posix/file_thread_call.hpp"
#include "posix/interpose.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <dlfcn.h>
#include <link.h>
#include <mutex>
#include <string>

// curl/curl.h's, but for the types of what only passes through.
extern "C" {
void* curl_easy_init();
int curl_global_init(long flags);
int curl_global_init_mem(long flags, void* allocate, void* free, void* resize, void* copy,
                         void* clear);
}

namespace brio::inline v0::detail::posix {

namespace {

constexpr int failed_init = 2;  // CURLE_FAILED_INIT

/// Suspends, by the layer's own hooks.
constinit std::mutex fibers_setting_up;

// The libcurls of the process that are set up; seldom there is more than one.
constinit std::array<std::atomic<const link_map*>, 4> ready = {};

bool is_ready(const link_map* library) noexcept {
    if (library == nullptr) return false;
    for (const auto& known : ready)
        if (known.load(std::memory_order_relaxed) == library) return true;
    return false;
}

void note_ready(const link_map* library) noexcept {
    if (is_ready(library)) return;
    for (auto& place : ready) {
        const link_map* nobody = nullptr;
        if (place.compare_exchange_strong(nobody, library)) return;
    }
}

/// null: that cannot be told.
const link_map* file_of(const void* address) noexcept {
#if __GLIBC_PREREQ(2, 35)
    dl_find_object found = {};  // without a lock, and without a look at the names
    const bool known = ::_dl_find_object(const_cast<void*>(address), &found) == 0;
    return known ? found.dlfo_link_map : nullptr;
#else
    Dl_info where = {};
    link_map* file = nullptr;
    const int known = ::dladdr1(address, &where, reinterpret_cast<void**>(&file), RTLD_DL_LINKMAP);
    return known != 0 ? file : nullptr;
#endif
}

/// What `name` means in the file that `caller` is in, past `hook`. A process may have a libcurl with
/// OpenSSL and one with GnuTLS, whose names differ in their versions only, and one that is a plug-in's alone.
void* meant_by(const char* name, const void* hook, const void* caller) noexcept {
    const link_map* const file = file_of(caller);
    if (file != nullptr && file->l_name[0] != '\0') {  // not the program itself
        if (void* const handle = ::dlopen(file->l_name, RTLD_LAZY | RTLD_NOLOAD)) {
            void* const meant = ::dlsym(handle, name);
            ::dlclose(handle);
            if (meant != nullptr && meant != hook) return meant;
        }
    }
    return ::dlsym(RTLD_NEXT, name);
}

bool succeeded(const void* handle) noexcept {
    return handle != nullptr;
}
bool succeeded(int code) noexcept {
    return code == 0;
}

/// Calls libcurl's `name`, which `hook` stands before; `none`: there is no libcurl.
template <class Result, class... Arguments>
Result set_up(const char* name, Result (*hook)(Arguments...), const void* caller, Result none,
              Arguments... arguments) {
    const int before = errno;
    void* const meant = meant_by(name, reinterpret_cast<void*>(hook), caller);
    errno = before;
    if (meant == nullptr) {
        const std::string text = std::string(name) + " is called, and no libcurl is loaded";
        system_calls::write_error_text("brio: " + text + "\n");
        return none;
    }
    const auto call = reinterpret_cast<Result (*)(Arguments...)>(meant);
    const link_map* const library = file_of(meant);
    Result result = none;
    if (fiber* const self = is_ready(library) ? nullptr : suspendable_fiber()) {
        const std::lock_guard alone(fibers_setting_up);  // or other helper threads would spin
        whole_in_thread(*self, file_pool(), name, [&]() noexcept -> long {
            result = call(arguments...);
            return 0;
        });
    } else {
        result = call(arguments...);
    }
    if (succeeded(result)) note_ready(library);
    return result;
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio::detail::posix;

extern "C" {

void* brio_posix_curl_easy_init() {
    return set_up<void*>("curl_easy_init", &brio_posix_curl_easy_init, __builtin_return_address(0),
                         nullptr);
}
int brio_posix_curl_global_init(long flags) {
    return set_up("curl_global_init", &brio_posix_curl_global_init, __builtin_return_address(0),
                  failed_init, flags);
}
int brio_posix_curl_global_init_mem(long flags, void* allocate, void* free, void* resize,
                                    void* copy, void* clear) {
    return set_up("curl_global_init_mem", &brio_posix_curl_global_init_mem,
                  __builtin_return_address(0), failed_init, flags, allocate, free, resize, copy,
                  clear);
}

}  // extern "C"

#define BRIO_INTERPOSE_WEAKLY(name)                        \
    extern "C" __attribute__((weak, visibility("default"), \
                              alias("brio_posix_" #name))) decltype(name) name
BRIO_INTERPOSE_WEAKLY(curl_easy_init);
BRIO_INTERPOSE_WEAKLY(curl_global_init);
BRIO_INTERPOSE_WEAKLY(curl_global_init_mem);
