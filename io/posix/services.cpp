// getservbyname, getservbyport, getprotobyname, getprotobynumber and their reentrant forms: always by a
// helper thread (look_up.hpp).

#include "posix/caller.hpp"
#include "posix/interpose.hpp"
#include "posix/look_up.hpp"
#include "posix/real.hpp"

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

servent* brio_posix_getservbyname(const char* name, const char* protocol) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.getservbyname(name, protocol);
    return look_up_for<&real_functions::getservbyname_r, servent>(*self, "getservbyname",
                                                                  effort::may_wait, name, protocol);
}

int brio_posix_getservbyname_r(const char* name, const char* protocol, servent* entry, char* buffer,
                               size_t size, servent** found) {
    return look_up_into<&real_functions::getservbyname_r>(
        "getservbyname_r", effort::may_wait, place<servent>{entry, buffer, size, found}, name,
        protocol);
}

servent* brio_posix_getservbyport(int port, const char* protocol) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.getservbyport(port, protocol);
    return look_up_for<&real_functions::getservbyport_r, servent>(*self, "getservbyport",
                                                                  effort::may_wait, port, protocol);
}

int brio_posix_getservbyport_r(int port, const char* protocol, servent* entry, char* buffer,
                               size_t size, servent** found) {
    return look_up_into<&real_functions::getservbyport_r>(
        "getservbyport_r", effort::may_wait, place<servent>{entry, buffer, size, found}, port,
        protocol);
}

protoent* brio_posix_getprotobyname(const char* name) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.getprotobyname(name);
    return look_up_for<&real_functions::getprotobyname_r, protoent>(*self, "getprotobyname",
                                                                    effort::may_wait, name);
}

int brio_posix_getprotobyname_r(const char* name, protoent* entry, char* buffer, size_t size,
                                protoent** found) {
    return look_up_into<&real_functions::getprotobyname_r>(
        "getprotobyname_r", effort::may_wait, place<protoent>{entry, buffer, size, found}, name);
}

protoent* brio_posix_getprotobynumber(int number) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.getprotobynumber(number);
    return look_up_for<&real_functions::getprotobynumber_r, protoent>(*self, "getprotobynumber",
                                                                      effort::may_wait, number);
}

int brio_posix_getprotobynumber_r(int number, protoent* entry, char* buffer, size_t size,
                                  protoent** found) {
    return look_up_into<&real_functions::getprotobynumber_r>(
        "getprotobynumber_r", effort::may_wait, place<protoent>{entry, buffer, size, found},
        number);
}

}  // extern "C"

BRIO_INTERPOSE(getservbyname);
BRIO_INTERPOSE(getservbyname_r);
BRIO_INTERPOSE(getservbyport);
BRIO_INTERPOSE(getservbyport_r);
BRIO_INTERPOSE(getprotobyname);
BRIO_INTERPOSE(getprotobyname_r);
BRIO_INTERPOSE(getprotobynumber);
BRIO_INTERPOSE(getprotobynumber_r);
