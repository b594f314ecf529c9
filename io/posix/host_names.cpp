// gethostbyname, gethostbyname2, gethostbyaddr, their reentrant forms, and getnameinfo. What asks for
// no name is answered at once; everything else by a helper thread (look_up.hpp).
//
// Static executables do not have this file, nor services.cpp and users.cpp: see resolver.cpp.

#include "posix/caller.hpp"
#include "posix/interpose.hpp"
#include "posix/look_up.hpp"
#include "posix/real.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <string>
#include <string_view>
#include <vector>

namespace brio::inline v0::detail::posix {

namespace {

/// A part of what libc takes for numeric is enough: the rest is found out by a thread.
bool is_numeric(const char* name) noexcept {
    const std::string_view text = name;
    if (text.find_first_not_of("0123456789.") == std::string_view::npos)
        return !text.empty() && text.back() != '.';
    in6_addr six = {};
    return ::inet_pton(AF_INET6, name, &six) == 1;
}
effort effort_of(const char* name) noexcept {
    return name != nullptr && is_numeric(name) ? effort::at_once : effort::may_wait;
}

/// getnameinfo's question and answer, as in look_up.hpp.
class name_look_up {
public:
    name_look_up(const sockaddr* address, socklen_t size, std::size_t host_room,
                 std::size_t service_room, int flags)
        : size_(std::min<socklen_t>(size, sizeof address_)),
          host_(host_room),
          service_(service_room),
          flags_(flags),
          error_(errno) {
        if (size > 0) std::memcpy(&address_, address, size_);
    }

    void operator()() noexcept {
        errno = error_;
        status_ =
            real.getnameinfo(reinterpret_cast<const sockaddr*>(&address_), size_, data_of(host_),
                             static_cast<socklen_t>(host_.size()), data_of(service_),
                             static_cast<socklen_t>(service_.size()), flags_);
        error_ = errno;
    }

    int give_to(char* host, char* service) const noexcept {
        errno = error_;
        if (status_ != 0) return status_;
        copy(host_, host);
        copy(service_, service);
        return 0;
    }

private:
    static char* data_of(std::vector<char>& text) noexcept {
        return text.empty() ? nullptr : text.data();
    }
    static void copy(const std::vector<char>& text, char* to) noexcept {
        if (!text.empty())
            std::memcpy(to, text.data(), ::strnlen(text.data(), text.size() - 1) + 1);
    }

    sockaddr_storage address_ = {};  // libc reads no more, whatever the size
    socklen_t size_;
    std::vector<char> host_;
    std::vector<char> service_;
    int flags_;
    int status_ = 0;
    int error_;
};

/// The room for a name that is wanted; a caller who does not know his own gets what is enough.
std::size_t room_of(const char* name, socklen_t room) noexcept {
    constexpr socklen_t enough = 1 << 16;
    return name == nullptr ? 0 : std::min(room, enough);
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

hostent* brio_posix_gethostbyname(const char* name) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.gethostbyname(name);
    return look_up_for<&real_functions::gethostbyname_r, hostent>(*self, "gethostbyname",
                                                                  effort_of(name), name);
}

int brio_posix_gethostbyname_r(const char* name, hostent* entry, char* buffer, size_t size,
                               hostent** found, int* h_error) {
    return look_up_into<&real_functions::gethostbyname_r>(
        "gethostbyname_r", effort_of(name), place<hostent>{entry, buffer, size, found, h_error},
        name);
}

hostent* brio_posix_gethostbyname2(const char* name, int family) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.gethostbyname2(name, family);
    return look_up_for<&real_functions::gethostbyname2_r, hostent>(*self, "gethostbyname2",
                                                                   effort_of(name), name, family);
}

int brio_posix_gethostbyname2_r(const char* name, int family, hostent* entry, char* buffer,
                                size_t size, hostent** found, int* h_error) {
    return look_up_into<&real_functions::gethostbyname2_r>(
        "gethostbyname2_r", effort_of(name), place<hostent>{entry, buffer, size, found, h_error},
        name, family);
}

hostent* brio_posix_gethostbyaddr(const void* address, socklen_t address_size, int family) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.gethostbyaddr(address, address_size, family);
    return look_up_for<&real_functions::gethostbyaddr_r, hostent>(
        *self, "gethostbyaddr", effort::may_wait, address_key{address, address_size}, family);
}

int brio_posix_gethostbyaddr_r(const void* address, socklen_t address_size, int family,
                               hostent* entry, char* buffer, size_t size, hostent** found,
                               int* h_error) {
    return look_up_into<&real_functions::gethostbyaddr_r>(
        "gethostbyaddr_r", effort::may_wait, place<hostent>{entry, buffer, size, found, h_error},
        address_key{address, address_size}, family);
}

int brio_posix_getnameinfo(const sockaddr* address, socklen_t size, char* host, socklen_t host_room,
                           char* service, socklen_t service_room, int flags) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr)
        return real.getnameinfo(address, size, host, host_room, service, service_room, flags);
    const landing when_left;
    const std::size_t host_size = room_of(host, host_room);
    const std::size_t service_size = room_of(service, service_room);
    const bool at_once = (host_size == 0 || (flags & NI_NUMERICHOST) != 0) &&
                         (service_size == 0 || (flags & NI_NUMERICSERV) != 0);
    const effort needed = at_once ? effort::at_once : effort::may_wait;
    const auto done = looked_up(*self, "getnameinfo", needed, [&] {
        return name_look_up(address, size, host_size, service_size, flags);
    });
    if (done) return done->give_to(host, service);
    return errno == ENOMEM ? EAI_MEMORY : EAI_SYSTEM;
}

}  // extern "C"

BRIO_INTERPOSE(gethostbyname);
BRIO_INTERPOSE(gethostbyname_r);
BRIO_INTERPOSE(gethostbyname2);
BRIO_INTERPOSE(gethostbyname2_r);
BRIO_INTERPOSE(gethostbyaddr);
BRIO_INTERPOSE(gethostbyaddr_r);
BRIO_INTERPOSE(getnameinfo);
