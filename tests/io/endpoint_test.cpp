// Addresses as values, and what sockets tell of themselves and let one set.

#include "io/native.hpp"

#include <brio/io/endpoint.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>

namespace brio::testing_native {
namespace {

int option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

TEST(endpoints, have_a_host_a_port_and_a_text) {
    const io::endpoint four("127.0.0.1", 80), six("::1", 8080);
    EXPECT_EQ(four.text(), "127.0.0.1:80");
    EXPECT_EQ(four.host(), "127.0.0.1");
    EXPECT_EQ(four.port(), 80);
    EXPECT_EQ(six.text(), "[::1]:8080");
    EXPECT_EQ(six.host(), "::1");
    EXPECT_EQ(six.port(), 8080);
    const auto path = io::endpoint::of_path("/run/a.socket");
    EXPECT_EQ(path.text(), "/run/a.socket");
    EXPECT_EQ(path.host(), "");
    EXPECT_EQ(path.port(), 0);
    EXPECT_EQ(io::endpoint::of_path(std::string("\0name", 5)).text(), "@name");
}

TEST(endpoints, name_nobody_when_default_constructed) {
    const io::endpoint nobody;
    EXPECT_TRUE(nobody.empty());
    EXPECT_EQ(nobody.text(), "");
    EXPECT_EQ(nobody.host(), "");
    EXPECT_EQ(nobody.port(), 0);
}

TEST(endpoints, are_equal_when_they_mean_the_same) {
    EXPECT_EQ(io::endpoint("127.0.0.1", 80), io::endpoint("127.0.0.1", 80));
    EXPECT_NE(io::endpoint("127.0.0.1", 80), io::endpoint("127.0.0.1", 81));
    EXPECT_NE(io::endpoint("127.0.0.1", 80), io::endpoint());
    EXPECT_NE(io::endpoint::of_path("a"), io::endpoint::of_path("b"));
    EXPECT_EQ(io::endpoint(), io::endpoint());
}

TEST(endpoints, go_to_c_and_come_back) {
    const io::endpoint there("192.0.2.1", 7);
    ASSERT_EQ(there.size(), sizeof(sockaddr_in));
    EXPECT_EQ(io::endpoint::of_sockaddr(there.data(), there.size()), there);
    const sockaddr_storage unknown = {};
    EXPECT_TRUE(io::endpoint::of_sockaddr(&unknown, sizeof unknown).empty());
    EXPECT_TRUE(io::endpoint::of_sockaddr(there.data(), 5).empty()) << "cut off";
    EXPECT_TRUE(io::endpoint::of_sockaddr(there.data(), 0).empty());
}

TEST(endpoints, are_refused_what_is_no_address) {
    EXPECT_THROW(io::endpoint("localhost", 80), std::invalid_argument);
    EXPECT_THROW(io::endpoint("", 80), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(io::endpoint::of_path("")), std::invalid_argument);
}

class native_socket_options : public native_test {};

TEST_F(native_socket_options, tell_both_ends_of_a_connection) {
    run([] {
        auto [client, server] = connected();
        EXPECT_EQ(client.sockname(), server.peername());
        EXPECT_EQ(client.peername(), server.sockname());
        EXPECT_EQ(client.peername().host(), "127.0.0.1");
        client.close();
        EXPECT_THROW(static_cast<void>(client.sockname()), usage_error);
        EXPECT_THROW(static_cast<void>(client.peername()), usage_error);
    });
}

TEST_F(native_socket_options, tell_nobody_where_the_connection_is_lost) {
    run([] {
        auto [client, server] = connected();
        const linger at_once = {1, 0};
        ::setsockopt(client.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        client.close();
        std::string part(1, '\0');
        EXPECT_EQ(
            refusal_of([&server = server, &part] { static_cast<void>(server.read(part)); }).code,
            std::errc::connection_reset);
        EXPECT_TRUE(server.peername().empty());
    });
}

TEST_F(native_socket_options, tell_where_a_listener_listens) {
    const io::tcp_listener listener("127.0.0.1", 0);
    EXPECT_EQ(listener.sockname(), io::endpoint("127.0.0.1", listener.port()));
}

TEST_F(native_socket_options, tell_the_path_of_a_unix_peer) {
    run([] {
        const temporary_directory where;
        io::unix_listener listener(where.path("socket"));
        auto accepting = create_task([&] { return listener.accept(); });
        auto client = io::unix_stream::connect(where.path("socket"));
        auto server = std::move(accepting).await();
        EXPECT_EQ(client.peername().text(), where.path("socket"));
        EXPECT_TRUE(server.peername().empty());
    });
}

TEST_F(native_socket_options, send_at_once_unless_told_otherwise) {
    run([] {
        auto [client, server] = connected();
        for (io::tcp_stream* s : {&client, &server})
            EXPECT_NE(option(s->native_handle(), IPPROTO_TCP, TCP_NODELAY), 0);
        client.set_nodelay(false);
        EXPECT_EQ(option(client.native_handle(), IPPROTO_TCP, TCP_NODELAY), 0);
        client.close();
        EXPECT_THROW(client.set_nodelay(true), usage_error);
    });
}

TEST_F(native_socket_options, keep_a_connection_alive_when_told_to) {
    run([] {
        auto [client, server] = connected();
        EXPECT_EQ(option(client.native_handle(), SOL_SOCKET, SO_KEEPALIVE), 0);
        client.set_keepalive(true);
        EXPECT_NE(option(client.native_handle(), SOL_SOCKET, SO_KEEPALIVE), 0);
        client.set_keepalive(false);
        EXPECT_EQ(option(client.native_handle(), SOL_SOCKET, SO_KEEPALIVE), 0);
        client.close();
        EXPECT_THROW(client.set_keepalive(true), usage_error);
    });
}

TEST_F(native_socket_options, are_refused_by_what_is_no_socket) {
    io::tcp_stream s{io::descriptor(::dup(STDIN_FILENO))};
    const std::string object = " of descriptor " + std::to_string(s.native_handle());
    const std::string words = ": Socket operation on non-socket";
    EXPECT_EQ(refusal_of([&] { s.set_keepalive(true); }).text, "setsockopt" + object + words);
    EXPECT_EQ(refusal_of([&] { static_cast<void>(s.sockname()); }).text,
              "getsockname" + object + words);
}

TEST_F(native_socket_options, let_listeners_share_a_port) {
    const io::tcp_listener first("127.0.0.1", 0, {.reuse_port = true});
    const io::tcp_listener second("127.0.0.1", first.port(), {.reuse_port = true});
    EXPECT_EQ(second.sockname(), first.sockname());
    EXPECT_EQ(refusal_of([&] { io::tcp_listener("127.0.0.1", first.port()); }).text,
              "bind to " + first.sockname().text() + ": Address already in use");
}

}  // namespace
}  // namespace brio::testing_native
