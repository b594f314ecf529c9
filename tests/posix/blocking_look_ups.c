#define _GNU_SOURCE
#include "posix/blocking_calls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

/* 0: the entry was found; -1: not, and errno tells. For the reentrant forms, what they return. */
#define FOUND(entry) ((entry) != NULL ? 0 : -1)
#define FOUND_R(status, found) ((status) == 0 ? FOUND(found) : (status))

static struct in_addr loopback(void) {
    struct in_addr address;
    address.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static long call_getaddrinfo(struct scene* s) {
    struct addrinfo* found = NULL;
    const int status = getaddrinfo("localhost", NULL, NULL, &found);
    (void)s;
    if (status == 0) freeaddrinfo(found);
    return status;
}
static long call_getnameinfo(struct scene* s) {
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr = loopback();
    return getnameinfo((struct sockaddr*)&address, sizeof address, s->buffer, NI_MAXHOST, NULL, 0,
                       0);
}
static long call_gethostbyname(struct scene* s) {
    (void)s;
    return FOUND(gethostbyname("localhost"));
}
static long call_gethostbyname2(struct scene* s) {
    (void)s;
    return FOUND(gethostbyname2("localhost", AF_INET));
}
static long call_gethostbyaddr(struct scene* s) {
    const struct in_addr address = loopback();
    (void)s;
    return FOUND(gethostbyaddr(&address, sizeof address, AF_INET));
}
static long call_gethostbyname_r(struct scene* s) {
    struct hostent entry, *found;
    int error;
    const int status = gethostbyname_r("localhost", &entry, s->buffer, 2000, &found, &error);
    return FOUND_R(status, found);
}
static long call_gethostbyname2_r(struct scene* s) {
    struct hostent entry, *found;
    int error;
    const int status =
        gethostbyname2_r("localhost", AF_INET, &entry, s->buffer, 2000, &found, &error);
    return FOUND_R(status, found);
}
static long call_gethostbyaddr_r(struct scene* s) {
    struct hostent entry, *found;
    const struct in_addr address = loopback();
    int error;
    const int status =
        gethostbyaddr_r(&address, sizeof address, AF_INET, &entry, s->buffer, 2000, &found, &error);
    return FOUND_R(status, found);
}

static long call_getservbyname(struct scene* s) {
    (void)s;
    return FOUND(getservbyname("http", "tcp"));
}
static long call_getservbyport(struct scene* s) {
    (void)s;
    return FOUND(getservbyport(htons(80), NULL));
}
static long call_getprotobyname(struct scene* s) {
    (void)s;
    return FOUND(getprotobyname("udp"));
}
static long call_getprotobynumber(struct scene* s) {
    (void)s;
    return FOUND(getprotobynumber(17));
}
static long call_getservbyname_r(struct scene* s) {
    struct servent entry, *found;
    const int status = getservbyname_r("http", "tcp", &entry, s->buffer, 2000, &found);
    return FOUND_R(status, found);
}
static long call_getservbyport_r(struct scene* s) {
    struct servent entry, *found;
    const int status = getservbyport_r(htons(80), NULL, &entry, s->buffer, 2000, &found);
    return FOUND_R(status, found);
}
static long call_getprotobyname_r(struct scene* s) {
    struct protoent entry, *found;
    const int status = getprotobyname_r("udp", &entry, s->buffer, 2000, &found);
    return FOUND_R(status, found);
}
static long call_getprotobynumber_r(struct scene* s) {
    struct protoent entry, *found;
    const int status = getprotobynumber_r(17, &entry, s->buffer, 2000, &found);
    return FOUND_R(status, found);
}

static long call_getpwnam(struct scene* s) {
    (void)s;
    return FOUND(getpwnam("root"));
}
static long call_getpwuid(struct scene* s) {
    (void)s;
    return FOUND(getpwuid(0));
}
static long call_getgrnam(struct scene* s) {
    (void)s;
    return FOUND(getgrnam("root"));
}
static long call_getgrgid(struct scene* s) {
    (void)s;
    return FOUND(getgrgid(0));
}
static long call_getpwnam_r(struct scene* s) {
    struct passwd entry, *found;
    const int status = getpwnam_r("root", &entry, s->buffer, 2000, &found);
    return FOUND_R(status, found);
}
static long call_getpwuid_r(struct scene* s) {
    struct passwd entry, *found;
    const int status = getpwuid_r(0, &entry, s->buffer, 2000, &found);
    return FOUND_R(status, found);
}
static long call_getgrnam_r(struct scene* s) {
    struct group entry, *found;
    const int status = getgrnam_r("root", &entry, s->buffer, 2000, &found);
    return FOUND_R(status, found);
}
static long call_getgrgid_r(struct scene* s) {
    struct group entry, *found;
    const int status = getgrgid_r(0, &entry, s->buffer, 2000, &found);
    return FOUND_R(status, found);
}
static long call_getgrouplist(struct scene* s) {
    int count = 100;
    return getgrouplist("root", 0, (gid_t*)s->buffer, &count) == count ? 0 : -1;
}
/* Who may not set groups is told so, with Brio and without. */
static long call_initgroups(struct scene* s) {
    (void)s;
    const int before = errno;
    if (initgroups("root", 0) == 0) return 0;
    if (errno != EPERM || geteuid() == 0) return -1;
    errno = before;
    return 0;
}

const struct blocking_call blocking_look_ups[] = {
    {"getaddrinfo", begin_scene, call_getaddrinfo, NULL, ends_by_itself, 0},
    {"getnameinfo", begin_scene, call_getnameinfo, NULL, ends_by_itself, 0},
    {"gethostbyname", begin_scene, call_gethostbyname, NULL, ends_by_itself, 0},
    {"gethostbyname2", begin_scene, call_gethostbyname2, NULL, ends_by_itself, 0},
    {"gethostbyaddr", begin_scene, call_gethostbyaddr, NULL, ends_by_itself, 0},
    {"gethostbyname_r", begin_scene, call_gethostbyname_r, NULL, ends_by_itself, 0},
    {"gethostbyname2_r", begin_scene, call_gethostbyname2_r, NULL, ends_by_itself, 0},
    {"gethostbyaddr_r", begin_scene, call_gethostbyaddr_r, NULL, ends_by_itself, 0},
    {"getservbyname", begin_scene, call_getservbyname, NULL, ends_by_itself, 0},
    {"getservbyport", begin_scene, call_getservbyport, NULL, ends_by_itself, 0},
    {"getprotobyname", begin_scene, call_getprotobyname, NULL, ends_by_itself, 0},
    {"getprotobynumber", begin_scene, call_getprotobynumber, NULL, ends_by_itself, 0},
    {"getservbyname_r", begin_scene, call_getservbyname_r, NULL, ends_by_itself, 0},
    {"getservbyport_r", begin_scene, call_getservbyport_r, NULL, ends_by_itself, 0},
    {"getprotobyname_r", begin_scene, call_getprotobyname_r, NULL, ends_by_itself, 0},
    {"getprotobynumber_r", begin_scene, call_getprotobynumber_r, NULL, ends_by_itself, 0},
    {"getpwnam", begin_scene, call_getpwnam, NULL, ends_by_itself, 0},
    {"getpwuid", begin_scene, call_getpwuid, NULL, ends_by_itself, 0},
    {"getgrnam", begin_scene, call_getgrnam, NULL, ends_by_itself, 0},
    {"getgrgid", begin_scene, call_getgrgid, NULL, ends_by_itself, 0},
    {"getpwnam_r", begin_scene, call_getpwnam_r, NULL, ends_by_itself, 0},
    {"getpwuid_r", begin_scene, call_getpwuid_r, NULL, ends_by_itself, 0},
    {"getgrnam_r", begin_scene, call_getgrnam_r, NULL, ends_by_itself, 0},
    {"getgrgid_r", begin_scene, call_getgrgid_r, NULL, ends_by_itself, 0},
    {"getgrouplist", begin_scene, call_getgrouplist, NULL, ends_elsewhere, 0},
    {"initgroups", begin_scene, call_initgroups, NULL, ends_elsewhere, 0},
};
const int blocking_look_up_count = sizeof blocking_look_ups / sizeof *blocking_look_ups;
