#include "posix/openssl_errors.hpp"

#include <atomic>
#include <cerrno>
#include <dlfcn.h>
#include <link.h>
#include <new>

namespace brio::inline v0::detail::posix {

namespace {

constexpr std::size_t queue_length = 16;  // ERR_NUM_ERRORS

// openssl/err.h's, which is not needed to build the layer.
struct functions {
    unsigned long (*peek_error)();
    unsigned long (*get_error_all)(const char** file, int* line, const char** function,
                                   const char** text, int* flags);
    void (*new_error)();
    void (*set_debug)(const char* file, int line, const char* function);
    void (*set_error)(int library, int reason, const char* format, ...);

    [[nodiscard]] bool are_all() const noexcept {
        return peek_error != nullptr && get_error_all != nullptr && new_error != nullptr &&
               set_debug != nullptr && set_error != nullptr;
    }
};

constexpr int text_is_there = 2;                  // ERR_TXT_STRING
constexpr unsigned long is_errno = 0x80000000UL;  // ERR_SYSTEM_FLAG
constexpr int library_of_errno = 2;               // ERR_LIB_SYS
constexpr int library_shift = 23;
constexpr unsigned long library_mask = 0xFF;
constexpr unsigned long reason_mask = 0x7FFFFF;

constinit functions openssl = {};
constinit std::atomic<bool> found{false};
constinit std::atomic<unsigned long long> looked_among{0};  // libraries, counted by loads

template <class Function>
void find(void* library, const char* name, Function& function) noexcept {
    function = reinterpret_cast<Function>(::dlsym(library, name));
}

functions functions_of(void* library) noexcept {
    functions all = {};
    find(library, "ERR_peek_error", all.peek_error);
    find(library, "ERR_get_error_all", all.get_error_all);
    find(library, "ERR_new", all.new_error);
    find(library, "ERR_set_debug", all.set_debug);
    find(library, "ERR_set_error", all.set_error);
    return all;
}

unsigned long long loads() noexcept {
    unsigned long long count = 0;
    ::dl_iterate_phdr(
        [](dl_phdr_info* object, std::size_t, void* into) {
            *static_cast<unsigned long long*>(into) = object->dlpi_adds;
            return 1;
        },
        &count);
    return count;
}

}  // namespace

void look_for_openssl() noexcept {
    if (found.load(std::memory_order_acquire)) return;
    const unsigned long long now = loads();
    if (looked_among.load() == now) return;
    functions all = functions_of(RTLD_DEFAULT);
    if (!all.are_all())
        // It may be there for a few only (RTLD_LOCAL); then it stays.
        if (void* const library = ::dlopen("libcrypto.so.3", RTLD_LAZY | RTLD_NOLOAD))
            all = functions_of(library);
    if (!all.are_all()) return looked_among.store(now);
    static constinit std::atomic<bool> taken{false};
    if (taken.exchange(true)) return;
    openssl = all;
    found.store(true, std::memory_order_release);
}

bool has_openssl() noexcept {
    return found.load(std::memory_order_acquire);
}

openssl_errors::openssl_errors() noexcept {
    openssl.peek_error();
}

/// The oldest error of the thread. False: there is none.
bool openssl_errors::take(entry& e) noexcept {
    const char* file = nullptr;
    const char* function = nullptr;
    const char* text = nullptr;
    int flags = 0;
    e.code = openssl.get_error_all(&file, &e.line, &function, &text, &flags);
    if (e.code == 0) return false;
    e.has_text = text != nullptr && (flags & text_is_there) != 0;
    try {
        e.file = file != nullptr ? file : "";
        e.function = function != nullptr ? function : "";
        if (e.has_text) e.text = text;
    } catch (const std::bad_alloc&) {
        // The code is what programs act on; the words are for people.
    }
    return true;
}

void openssl_errors::put(const entry& e) noexcept {
    openssl.new_error();
    openssl.set_debug(e.file.c_str(), e.line, e.function.c_str());
    const bool of_system = (e.code & is_errno) != 0;
    const int library =
        of_system ? library_of_errno : static_cast<int>(e.code >> library_shift & library_mask);
    const int reason = static_cast<int>(e.code & (of_system ? ~is_errno : reason_mask));
    if (e.has_text)
        openssl.set_error(library, reason, "%s", e.text.c_str());
    else
        openssl.set_error(library, reason, nullptr);
}

std::vector<openssl_errors::entry> openssl_errors::take_all() noexcept {
    std::vector<entry> taken;
    if (openssl.peek_error() == 0) return taken;
    try {
        taken.reserve(queue_length);
    } catch (const std::bad_alloc&) {
        return taken;  // they stay where all can see them
    }
    for (entry e; taken.size() < queue_length && take(e);) taken.push_back(std::move(e));
    return taken;
}

void openssl_errors::exchange() noexcept {
    const int before = errno;
    std::vector<entry> taken = take_all();
    for (const entry& e : kept_) put(e);
    kept_ = std::move(taken);
    errno = before;
}

}  // namespace brio::inline v0::detail::posix
