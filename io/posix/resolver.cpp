// getaddrinfo: numeric names and ports are answered at once, everything else by a helper thread,
// because the resolver waits by system calls inside libc.
//
// 1. The helper works on copies: a cancelled call returns at once, and what the helper finds later is
//    freed with it.
// 2. Only libc knows what is numeric (inet_aton's shapes, IPv6 scopes), so libc is asked, with the
//    flags that forbid it to look anything up.
//
// Static executables do not have this file: libc's getaddrinfo cannot be reached there once the name
// is taken. Nor __poll, which a static libc's resolver calls, whose state belongs to the thread.

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/in_thread.hpp"
#include "posix/interpose.hpp"
#include "posix/interruption.hpp"
#include "posix/real.hpp"

#include <cctype>
#include <dlfcn.h>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace brio::inline v0::detail::posix {

namespace {

using resolve = decltype(&::getaddrinfo);

/// Before the constructors have run it is looked up each time.
resolve libc_getaddrinfo() noexcept {
    if (real.getaddrinfo != nullptr) return real.getaddrinfo;
    return reinterpret_cast<resolve>(::dlsym(RTLD_NEXT, "getaddrinfo"));
}

/// One look-up: the question, and the answer while nobody has taken it.
class look_up {
public:
    look_up(const char* name, const char* service, const addrinfo* hints) {
        if (name != nullptr) name_ = name;
        if (service != nullptr) service_ = service;
        if (hints != nullptr) hints_ = *hints;
    }
    look_up(look_up&& other) noexcept
        : name_(std::move(other.name_)),
          service_(std::move(other.service_)),
          hints_(other.hints_),
          found_(std::exchange(other.found_, nullptr)),
          status_(other.status_),
          error_(other.error_) {}
    look_up& operator=(look_up&&) = delete;
    ~look_up() {
        if (found_ != nullptr) ::freeaddrinfo(found_);
    }

    void operator()() noexcept {
        errno = 0;
        status_ = libc_getaddrinfo()(c_string(name_), c_string(service_),
                                     hints_ ? &*hints_ : nullptr, &found_);
        error_ = errno;
        if (status_ != 0) found_ = nullptr;
    }

    /// As getaddrinfo returns.
    int take(addrinfo** found) noexcept {
        if (status_ == 0) *found = std::exchange(found_, nullptr);
        if (status_ == EAI_SYSTEM) errno = error_;
        return status_;
    }

private:
    static const char* c_string(const std::optional<std::string>& text) noexcept {
        return text ? text->c_str() : nullptr;
    }

    std::optional<std::string> name_;
    std::optional<std::string> service_;
    std::optional<addrinfo> hints_;
    addrinfo* found_ = nullptr;
    int status_ = 0;
    int error_ = 0;
};

bool is_number(const char* text) noexcept {
    if (*text == '\0') return false;
    for (; *text != '\0'; ++text)
        if (std::isdigit(static_cast<unsigned char>(*text)) == 0) return false;
    return true;
}

/// The answer when it takes no looking up; nothing when it may.
std::optional<int> resolve_numeric(const char* name, const char* service, const addrinfo* hints,
                                   addrinfo** found) noexcept {
    if (service != nullptr && !is_number(service)) return {};
    addrinfo numeric = {};
    if (hints != nullptr)
        numeric = *hints;
    else
        numeric.ai_flags = AI_V4MAPPED | AI_ADDRCONFIG;  // what glibc takes for no hints
    numeric.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
    const int status = libc_getaddrinfo()(name, service, &numeric, found);
    const bool was_asked_for = hints != nullptr && (hints->ai_flags & AI_NUMERICHOST) != 0;
    if (status == EAI_NONAME && name != nullptr && !was_asked_for) return {};
    return status;
}

int cancelled_look_up(fiber& self) noexcept {
    errno = static_cast<int>(-tell_cancelled(self));
    return EAI_SYSTEM;
}

int resolve_on_fiber(fiber& self, const char* name, const char* service, const addrinfo* hints,
                     addrinfo** found) {
    if (refused(self)) return cancelled_look_up(self);
    const landing when_left;
    const int before = errno;
    if (const auto numeric = resolve_numeric(name, service, hints, found)) return *numeric;
    try {
        const interruptible here(self, restarts::always);
        begin_wait(self);
        auto done = run_for_c(self, resolver_pool(), "getaddrinfo", look_up(name, service, hints));
        if (!done || here.jumped_out()) {  // what it has found would be nobody's
            errno = ECANCELED;
            return EAI_SYSTEM;
        }
        errno = before;
        return done->take(found);
    } catch (const std::exception&) {  // no memory, no thread
        return EAI_MEMORY;
    }
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

int brio_posix_getaddrinfo(const char* name, const char* service, const addrinfo* hints,
                           addrinfo** found) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return libc_getaddrinfo()(name, service, hints, found);
    return resolve_on_fiber(*self, name, service, hints, found);
}

int brio_posix___poll(pollfd* items, nfds_t count, int timeout) {
    return ::poll(items, count, timeout);
}

}  // extern "C"

BRIO_INTERPOSE(getaddrinfo);
BRIO_INTERPOSE(__poll);
