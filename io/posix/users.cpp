// getpwnam, getpwuid, getgrnam, getgrgid and their reentrant forms, by a helper thread (look_up.hpp);
// getgrouplist and initgroups, which are not cut short: the one has no error that its callers would
// not take for "not enough room", and who goes on after the other has the wrong rights.

#include "posix/caller.hpp"
#include "posix/interpose.hpp"
#include "posix/look_up.hpp"
#include "posix/real.hpp"

#include <cerrno>

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

passwd* brio_posix_getpwnam(const char* name) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.getpwnam(name);
    return look_up_for<&real_functions::getpwnam_r, passwd>(*self, "getpwnam", effort::may_wait,
                                                            name);
}

int brio_posix_getpwnam_r(const char* name, passwd* entry, char* buffer, size_t size,
                          passwd** found) {
    return look_up_into<&real_functions::getpwnam_r>(
        "getpwnam_r", effort::may_wait, place<passwd>{entry, buffer, size, found}, name);
}

passwd* brio_posix_getpwuid(uid_t id) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.getpwuid(id);
    return look_up_for<&real_functions::getpwuid_r, passwd>(*self, "getpwuid", effort::may_wait,
                                                            id);
}

int brio_posix_getpwuid_r(uid_t id, passwd* entry, char* buffer, size_t size, passwd** found) {
    return look_up_into<&real_functions::getpwuid_r>("getpwuid_r", effort::may_wait,
                                                     place<passwd>{entry, buffer, size, found}, id);
}

group* brio_posix_getgrnam(const char* name) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.getgrnam(name);
    return look_up_for<&real_functions::getgrnam_r, group>(*self, "getgrnam", effort::may_wait,
                                                           name);
}

int brio_posix_getgrnam_r(const char* name, group* entry, char* buffer, size_t size,
                          group** found) {
    return look_up_into<&real_functions::getgrnam_r>(
        "getgrnam_r", effort::may_wait, place<group>{entry, buffer, size, found}, name);
}

group* brio_posix_getgrgid(gid_t id) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.getgrgid(id);
    return look_up_for<&real_functions::getgrgid_r, group>(*self, "getgrgid", effort::may_wait, id);
}

int brio_posix_getgrgid_r(gid_t id, group* entry, char* buffer, size_t size, group** found) {
    return look_up_into<&real_functions::getgrgid_r>("getgrgid_r", effort::may_wait,
                                                     place<group>{entry, buffer, size, found}, id);
}

int brio_posix_getgrouplist(const char* user, gid_t group, gid_t* groups, int* count) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.getgrouplist(user, group, groups, count);
    int error = errno;
    const long result = whole_in_thread(*self, resolver_pool(), "getgrouplist", [&] {
        errno = error;
        const int found = real.getgrouplist(user, group, groups, count);
        error = errno;
        return found;
    });
    errno = error;
    return static_cast<int>(result);
}

int brio_posix_initgroups(const char* user, gid_t group) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.initgroups(user, group);
    return static_cast<int>(answer(whole_in_thread(*self, resolver_pool(), "initgroups", [&] {
        return real.initgroups(user, group) == 0 ? 0 : -errno;
    })));
}

}  // extern "C"

BRIO_INTERPOSE(getpwnam);
BRIO_INTERPOSE(getpwnam_r);
BRIO_INTERPOSE(getpwuid);
BRIO_INTERPOSE(getpwuid_r);
BRIO_INTERPOSE(getgrnam);
BRIO_INTERPOSE(getgrnam_r);
BRIO_INTERPOSE(getgrgid);
BRIO_INTERPOSE(getgrgid_r);
BRIO_INTERPOSE(getgrouplist);
BRIO_INTERPOSE(initgroups);
