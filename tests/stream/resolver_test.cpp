// getaddrinfo and getnameinfo. Numbers only: what names mean is this machine's business.

#include "stream/connections.hpp"

#include <brio/io/resolver.hpp>

#include <netdb.h>

namespace {

using namespace brio_test;
namespace io = brio::io;

bool is_one_of(const io::endpoint& e, std::string_view a, std::string_view b) {
    return e.host() == a || e.host() == b;
}

TEST(resolver, getaddrinfo_tells_family_type_and_number) {
    brio::run([] {
        const auto found = io::getaddrinfo(
            "127.0.0.1", "8080",
            {.type = SOCK_STREAM, .flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_CANONNAME});
        ASSERT_EQ(found.size(), 1u);
        EXPECT_EQ(found[0].family, AF_INET);
        EXPECT_EQ(found[0].type, SOCK_STREAM);
        EXPECT_EQ(found[0].address, io::endpoint("127.0.0.1", 8080));
        EXPECT_EQ(found[0].canonical_name, "127.0.0.1");
        const auto v6 = io::getaddrinfo("::1", "1", {.type = SOCK_DGRAM});
        ASSERT_EQ(v6.size(), 1u);
        EXPECT_EQ(v6[0].family, AF_INET6);
        EXPECT_EQ(v6[0].address.text(), "[::1]:1");
    });
}

TEST(resolver, getaddrinfo_of_nothing_is_this_machine) {
    brio::run([] {
        for (const auto& one : io::getaddrinfo("", "80", {.type = SOCK_STREAM}))
            EXPECT_TRUE(is_one_of(one.address, "127.0.0.1", "::1"));
        for (const auto& one :
             io::getaddrinfo("", "80", {.type = SOCK_STREAM, .flags = AI_PASSIVE}))
            EXPECT_TRUE(is_one_of(one.address, "0.0.0.0", "::"));
    });
}

TEST(resolver, names_the_host_that_does_not_exist) {
    brio::run([] {
        EXPECT_TRUE(contains(text_of<std::system_error>([] {
                                 (void)io::getaddrinfo("no number", "1", {.flags = AI_NUMERICHOST});
                             }),
                             "getaddrinfo no number"));
    });
}

TEST(resolver, getnameinfo_gives_digits_when_asked_to) {
    brio::run([] {
        const auto name = io::getnameinfo({"127.0.0.1", 80}, NI_NUMERICHOST | NI_NUMERICSERV);
        EXPECT_EQ(name.host, "127.0.0.1");
        EXPECT_EQ(name.service, "80");
        EXPECT_TRUE(contains(text_of<std::system_error>([] {
                                 (void)io::getnameinfo({"127.0.0.1", 80}, ~0);
                             }),
                             "getnameinfo 127.0.0.1:80"));
    });
}

TEST(resolver, cancelled_look_ups_end_at_once) {
    brio::run([] {
        for (int turns = 0; turns < 3; ++turns) {
            auto asking = brio::create_task(
                [] { (void)io::getaddrinfo("127.0.0.1", "1", {.flags = AI_NUMERICHOST}); });
            for (int i = 0; i < turns; ++i) brio::yield();
            asking.cancel();
            try {
                asking.await();
            } catch (const brio::cancelled_error&) {
            }
        }
    });
}

}  // namespace
