// What is looked up by name or number: hosts, services, protocols, users, groups.

#include "posix/fibers.hpp"

#include <arpa/inet.h>
#include <functional>
#include <grp.h>
#include <netdb.h>
#include <optional>
#include <pwd.h>
#include <vector>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;
using std::string;

// Entries as texts that can be compared.

/// libc does not align all of its lists.
std::vector<const char*> elements_of(char* const* list) {
    std::vector<const char*> all;
    for (std::size_t i = 0; list != nullptr; ++i) {
        const char* element = nullptr;
        std::memcpy(&element, reinterpret_cast<const char*>(list) + i * sizeof element,
                    sizeof element);
        if (element == nullptr) break;
        all.push_back(element);
    }
    return all;
}
string text_of(char* const* list) {
    string text = "[";
    for (const char* element : elements_of(list)) text += string(" ") + element;
    return text + "]";
}
string text_of(const hostent* e) {
    if (e == nullptr) return "nothing";
    string text = string(e->h_name) + text_of(e->h_aliases) + std::to_string(e->h_addrtype);
    for (const char* a : elements_of(e->h_addr_list)) {
        char address[INET6_ADDRSTRLEN] = {};
        ::inet_ntop(e->h_addrtype, a, address, sizeof address);
        text += string(" ") + address;
    }
    return text;
}
string text_of(const servent* e) {
    if (e == nullptr) return "nothing";
    return string(e->s_name) + text_of(e->s_aliases) + std::to_string(e->s_port) + e->s_proto;
}
string text_of(const protoent* e) {
    if (e == nullptr) return "nothing";
    return string(e->p_name) + text_of(e->p_aliases) + std::to_string(e->p_proto);
}
string text_of(const passwd* e) {
    if (e == nullptr) return "nothing";
    return string(e->pw_name) + ":" + e->pw_passwd + ":" + std::to_string(e->pw_uid) + ":" +
           std::to_string(e->pw_gid) + ":" + e->pw_gecos + ":" + e->pw_dir + ":" + e->pw_shell;
}
string text_of(const group* e) {
    if (e == nullptr) return "nothing";
    return string(e->gr_name) + ":" + e->gr_passwd + ":" + std::to_string(e->gr_gid) +
           text_of(e->gr_mem);
}

constexpr int untouched = 12345;

/// The answer of a call with a static result: the entry, errno and h_errno.
template <class F>
string answer_of(F&& call) {
    errno = untouched;
    h_errno = untouched;
    const auto* const entry = call();
    const int error = errno;
    return text_of(entry) + " errno " + std::to_string(error) + " h_errno " +
           std::to_string(h_errno);
}

/// That of a reentrant function in `size` bytes that begin at an odd address.
template <class Entry, class F>
string answer_in(std::size_t size, F&& call) {
    std::vector<char> memory(size + 64, '#');
    char* const buffer = memory.data() + 3;
    Entry entry = {};
    Entry* found = &entry;
    errno = untouched;
    const int status = call(&entry, buffer, size, &found);
    string text = "status " + std::to_string(status) + " errno " + std::to_string(errno) + " ";
    EXPECT_TRUE(found == nullptr || found == &entry);
    EXPECT_EQ(memory[size + 3], '#') << "behind the buffer";
    return text + text_of(found);
}

template <class F>
void expect_same_answer(F&& call, const char* what) {
    string here;
    string there;
    brio::run([&] { here = call(); });
    std::thread([&] { there = call(); }).join();
    EXPECT_EQ(here, there) << what;
}

template <class F>
bool suspends(F&& call) {
    return brio::run([&] {
        bool other_ran = false;
        auto other = brio::create_task([&] { other_ran = true; });
        call();
        const bool seen = other_ran;
        other.await();
        return seen;
    });
}

in_addr address_of(const char* text) {
    in_addr address = {};
    EXPECT_EQ(::inet_pton(AF_INET, text, &address), 1);
    return address;
}

}  // namespace

TEST(look_ups, answer_what_libc_answers) {
    // Without those that ask the network.
    for (const char* name : {"localhost", "127.0.0.1", "127.1", "1.2.3.4.5", "::1", "fe80::1"}) {
        expect_same_answer([&] { return answer_of([&] { return ::gethostbyname(name); }); }, name);
        for (const int family : {AF_INET, AF_INET6, AF_UNIX})
            expect_same_answer(
                [&] { return answer_of([&] { return ::gethostbyname2(name, family); }); }, name);
    }
    // As large as it is said to be.
    const std::array<in_addr, 4> local = {address_of("127.0.0.1")};
    for (const socklen_t size : {4U, 3U, 16U})
        expect_same_answer(
            [&] { return answer_of([&] { return ::gethostbyaddr(local.data(), size, AF_INET); }); },
            "gethostbyaddr");
    for (const char* name : {"http", "domain", "no-such-service", ""})
        for (const char* protocol : {"tcp", "udp", "nothing", static_cast<const char*>(nullptr)})
            expect_same_answer(
                [&] { return answer_of([&] { return ::getservbyname(name, protocol); }); }, name);
    for (const int number : {int{htons(80)}, int{htons(53)}, 0, 70000})
        expect_same_answer(
            [&] { return answer_of([&] { return ::getservbyport(number, nullptr); }); }, "port");
    for (const char* name : {"tcp", "UDP", "no-such-protocol"})
        expect_same_answer([&] { return answer_of([&] { return ::getprotobyname(name); }); }, name);
    for (const int number : {0, 6, 17, -1, 12345})
        expect_same_answer([&] { return answer_of([&] { return ::getprotobynumber(number); }); },
                           "protocol");
    for (const char* name : {"root", "daemon", "no-such-user", ""}) {
        expect_same_answer([&] { return answer_of([&] { return ::getpwnam(name); }); }, name);
        expect_same_answer([&] { return answer_of([&] { return ::getgrnam(name); }); }, name);
    }
    for (const unsigned id : {0U, 1U, 99U, 4321U, ~0U}) {
        expect_same_answer([&] { return answer_of([&] { return ::getpwuid(id); }); }, "user");
        expect_same_answer([&] { return answer_of([&] { return ::getgrgid(id); }); }, "group");
    }
}

TEST(look_ups, fill_the_callers_buffer_as_libc_does_and_say_when_it_is_too_small) {
    const in_addr local = address_of("127.0.0.1");
    for (std::size_t size = 0; size < 1200; size += size < 200 ? 1 : 97) {
        const string what = std::to_string(size) + " bytes";
        const auto same = [&](auto&& call) { expect_same_answer(call, what.c_str()); };
        const auto host = [&](auto&& call) {
            same([&] {
                int h_error = untouched;
                const string text =
                    answer_in<hostent>(size, [&](auto... into) { return call(into..., &h_error); });
                return text + " h_error " + std::to_string(h_error);
            });
        };
        host([](auto... into) { return ::gethostbyname_r("localhost", into...); });
        host([](auto... into) { return ::gethostbyname_r("10.1.2.3", into...); });
        host([](auto... into) { return ::gethostbyname2_r("localhost", AF_INET, into...); });
        host([&](auto... into) { return ::gethostbyaddr_r(&local, 4, AF_INET, into...); });
        same([&] {
            return answer_in<servent>(
                size, [](auto... into) { return ::getservbyname_r("http", "tcp", into...); });
        });
        same([&] {
            return answer_in<servent>(
                size, [](auto... into) { return ::getservbyport_r(htons(53), nullptr, into...); });
        });
        same([&] {
            return answer_in<protoent>(
                size, [](auto... into) { return ::getprotobyname_r("tcp", into...); });
        });
        same([&] {
            return answer_in<protoent>(
                size, [](auto... into) { return ::getprotobynumber_r(17, into...); });
        });
        same([&] {
            return answer_in<passwd>(size,
                                     [](auto... into) { return ::getpwnam_r("root", into...); });
        });
        same([&] {
            return answer_in<passwd>(size, [](auto... into) { return ::getpwuid_r(1, into...); });
        });
        same([&] {
            return answer_in<group>(size,
                                    [](auto... into) { return ::getgrnam_r("daemon", into...); });
        });
        same([&] {
            return answer_in<group>(size, [](auto... into) { return ::getgrgid_r(4321, into...); });
        });
    }
}

TEST(look_ups, with_a_buffer_of_absurd_size_fail) {
    char small[8];
    passwd entry = {};
    passwd* found = &entry;
    const auto ask = [&] {
        return ::getpwnam_r("root", &entry, small, unforeseen(SIZE_MAX), &found);
    };
    EXPECT_EQ(on_fiber(ask), (observed{ENOMEM, ENOMEM}));
    EXPECT_EQ(found, nullptr);
}

TEST(look_ups, numeric_hosts_are_answered_at_once) {
    EXPECT_FALSE(suspends([] { EXPECT_NE(::gethostbyname("127.0.0.1"), nullptr); }));
    EXPECT_FALSE(suspends([] { EXPECT_NE(::gethostbyname2("::1", AF_INET6), nullptr); }));
    EXPECT_TRUE(suspends([] { EXPECT_NE(::gethostbyname("localhost"), nullptr); }));
    const sockaddr_in address = loopback(80);
    const auto name_of = [&](int flags) {
        char host[100];
        char service[100];
        EXPECT_EQ(::getnameinfo(reinterpret_cast<const sockaddr*>(&address), sizeof address, host,
                                sizeof host, service, sizeof service, flags),
                  0);
    };
    EXPECT_FALSE(suspends([&] { name_of(NI_NUMERICHOST | NI_NUMERICSERV); }));
    EXPECT_TRUE(suspends([&] { name_of(NI_NUMERICHOST); }));
    EXPECT_TRUE(suspends([&] { name_of(NI_NUMERICSERV); }));
}

TEST(look_ups, static_results_belong_to_the_fiber) {
    brio::run([] {
        brio::barrier all_have_looked_up(4);
        const auto look_up = [&](const char* name) {
            return brio::create_task([&, name] {
                const passwd* const user = ::getpwnam(name);
                const servent* const service = ::getservbyname("http", "tcp");
                all_have_looked_up.wait();
                EXPECT_STREQ(user->pw_name, name);
                EXPECT_STREQ(service->s_name, "http");
                // The next call of the same function takes the result's place, that of another not.
                EXPECT_EQ(::getpwnam("no-such-user"), nullptr);
                EXPECT_STREQ(service->s_name, "http");
            });
        };
        std::vector<brio::task<void>> all;
        for (const char* name : {"root", "daemon", "root", "bin"}) all.push_back(look_up(name));
        brio::gather(all).await();
    });
}

TEST(look_ups, getnameinfo_answers_what_libc_answers) {
    const sockaddr_in address = loopback(80);
    struct question {
        socklen_t size, host, service;
        int flags;
    };
    for (const question& q : {question{16, 100, 100, 0},
                              {16, 100, 100, NI_NUMERICHOST},
                              {16, 100, 100, NI_NUMERICHOST | NI_NUMERICSERV},
                              {16, 100, 0, NI_NAMEREQD},
                              {16, 0, 100, NI_DGRAM},
                              {16, 0, 0, 0},
                              {16, 3, 100, 0},
                              {16, 100, 2, 0},
                              {16, 3, 3, NI_NUMERICHOST | NI_NUMERICSERV},
                              {3, 100, 100, 0},
                              {0, 100, 100, 0},
                              {16, 100, 100, 0x4000'0000}}) {
        expect_same_answer(
            [&] {
                char host[100] = "";
                char service[100] = "";
                const int status = ::getnameinfo(reinterpret_cast<const sockaddr*>(&address),
                                                 q.size, host, q.host, service, q.service, q.flags);
                const string names = status == 0 ? string(" ") + host + " " + service : "";
                return std::to_string(status) + names;
            },
            "getnameinfo");
    }
}

TEST(look_ups, of_groups_answer_what_libc_answers) {
    for (const int room : {0, 1, 100}) {
        expect_same_answer(
            [&] {
                std::vector<gid_t> groups(100, 7777);
                int count = room;
                const int result = ::getgrouplist("root", 4321, groups.data(), &count);
                return std::to_string(result) + " " + std::to_string(count) + " " +
                       std::to_string(groups[0]) + " " + std::to_string(groups[1]);
            },
            "getgrouplist");
    }
}

TEST(look_ups, initgroups_sets_the_groups_where_it_may) {
    std::vector<gid_t> before(static_cast<std::size_t>(::getgroups(0, nullptr)));
    ASSERT_EQ(::getgroups(static_cast<int>(before.size()), before.data()),
              static_cast<int>(before.size()));
    const observed seen = on_fiber([] { return ::initgroups("daemon", 4321); });
    if (::geteuid() != 0) {
        EXPECT_EQ(seen, (observed{-1, EPERM}));
        return;
    }
    EXPECT_EQ(seen.result, 0);
    gid_t groups[10] = {};
    EXPECT_EQ(::getgroups(10, groups), 1);
    EXPECT_EQ(groups[0], 4321U);
    EXPECT_EQ(::setgroups(before.size(), before.data()), 0);
}

TEST(look_ups, a_cancelled_one_leaves_its_callers_memory_alone) {
    brio::run([] {
        for (int i = 0; i < 50; ++i) {
            auto cancelled = brio::create_task([] {
                char buffer[1000];
                passwd entry = {};
                passwd* found = &entry;
                int status = 0;
                const observed seen = observe([&] {
                    return status = ::getpwnam_r("root", &entry, buffer, sizeof buffer, &found);
                });
                EXPECT_EQ(seen, (observed{ECANCELED, ECANCELED}));
                EXPECT_EQ(found, nullptr);
                h_errno = 0;
                EXPECT_EQ(observe([] { return ::gethostbyname("localhost") == nullptr; }),
                          (observed{1, ECANCELED}));
                EXPECT_EQ(h_errno, NETDB_INTERNAL);
                EXPECT_THROW(brio::yield(), brio::cancelled_error);
                EXPECT_NE(::gethostbyname("localhost"), nullptr);
            });
            brio::yield();
            cancelled.cancel();
            cancelled.await();
        }
    });
}

TEST(look_ups, a_loop_that_ends_does_not_wait_for_them) {
    for (int i = 0; i < 50; ++i) {
        brio::run([] {
            brio::create_task([] { ::gethostbyname("localhost"); });
            brio::create_task([] { ::getpwnam("root"); });
            brio::yield();
        });
    }
}

TEST(look_ups, of_many_fibers_go_on_at_once) {
    brio::run([] {
        std::vector<brio::task<void>> all;
        for (int i = 0; i < 100; ++i)
            all.push_back(brio::create_task([] {
                EXPECT_STREQ(::getpwuid(0)->pw_name, "root");
                EXPECT_STREQ(::gethostbyname("127.0.0.1")->h_name, "127.0.0.1");
            }));
        brio::gather(all).await();
    });
}
