// open_connection and open_unix_connection.

#include "stream/connect.hpp"

#include "net/address.hpp"
#include "net/make_socket.hpp"
#include "stream/connections.hpp"

#include <brio/io/socket.hpp>

#include <array>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>
#include <vector>

namespace {

using namespace brio_test;
namespace detail = brio::detail;

detail::address at(const std::string& host, std::uint16_t port) {
    detail::address a;
    EXPECT_TRUE(detail::parse_numeric(host, port, a));
    return a;
}

/// A port of this machine at which nobody listens.
std::uint16_t refusing_port() {
    const brio::io::tcp_listener closes_at_once("127.0.0.1", 0);
    return closes_at_once.port();
}

/// Listens, and answers nobody: its queue is full, so the kernel lets newcomers try again.
class black_hole {
public:
    black_hole() {
        while (queue().length <= queue().most) {
            queued_.push_back(detail::open_socket(AF_INET, SOCK_STREAM));
            detail::connect_to(queued_.back(), at("127.0.0.1", listener_.port()));
            while (queue().length < queued_.size()) brio::yield();
        }
    }
    [[nodiscard]] std::uint16_t port() const { return listener_.port(); }

private:
    /// Of connections that nobody has accepted, as the kernel tells it for a listening socket. One
    /// more than `most` fit.
    struct accept_queue {
        std::size_t length;
        std::size_t most;
    };
    [[nodiscard]] accept_queue queue() const {
        tcp_info info = {};
        socklen_t size = sizeof info;
        EXPECT_EQ(::getsockopt(listener_.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size), 0);
        return {info.tcpi_unacked, info.tcpi_sacked};
    }

    brio::io::tcp_listener listener_{"127.0.0.1", 0, {.backlog = 1}};
    std::vector<brio::io::descriptor> queued_;
};

TEST(open_connection, carries_bytes_and_knows_both_names) {
    brio::run([] {
        brio::io::tcp_listener listener("127.0.0.1", 0);
        auto accepted = brio::create_task([&] { return listener.accept(); });
        auto [reader, writer] = brio::open_connection("127.0.0.1", listener.port());
        const std::string server = "127.0.0.1:" + std::to_string(listener.port());
        EXPECT_EQ(writer.peername(), server);
        EXPECT_TRUE(contains(writer.get_extra_info("sockname"), "127.0.0.1:"));
        EXPECT_EQ(writer.get_extra_info("cipher"), "");
        writer.write("hello");
        auto peer = std::move(accepted).await();
        std::array<char, 5> part;
        EXPECT_EQ(peer.read(part), 5u);
        peer.write("world");
        peer.close();
        EXPECT_EQ(reader.read(), "world");
        writer.close();
        writer.wait_closed();
        EXPECT_EQ(writer.peername(), server) << "also when it has ended";
    });
}

TEST(open_connection, binds_to_a_local_address) {
    brio::run([] {
        brio::io::tcp_listener listener("127.0.0.1", 0);
        auto accepted = brio::create_task([&] { return listener.accept(); });
        auto [reader, writer] =
            brio::open_connection("127.0.0.1", listener.port(), {.local_host = "127.0.0.2"});
        const std::string own = writer.get_extra_info("sockname");
        EXPECT_TRUE(contains(own, "127.0.0.2:"));
        EXPECT_EQ(std::move(accepted).await().peername().text(), own);
        EXPECT_EQ(text_of<std::invalid_argument>([&] {
                      (void)brio::open_connection("127.0.0.1", listener.port(),
                                                  {.local_host = "here"});
                  }),
                  "open_connection: local_host is not a numeric address: here");
    });
}

TEST(open_connection, refuses_options_that_make_no_sense) {
    brio::run([] {
        EXPECT_EQ(text_of<std::invalid_argument>(
                      [] { (void)brio::open_connection("::1", 1, {.server_hostname = "x"}); }),
                  "open_connection: server_hostname is for TLS only");
        EXPECT_EQ(text_of<std::invalid_argument>(
                      [] { (void)brio::open_unix_connection("/x", {.limit = 0}); }),
                  "open_unix_connection: the limit is 0");
    });
}

TEST(open_connection, names_the_address_that_refuses) {
    brio::run([] {
        const std::uint16_t port = refusing_port();
        const std::string text =
            text_of<std::system_error>([&] { (void)brio::open_connection("127.0.0.1", port); });
        EXPECT_EQ(text, "connect to 127.0.0.1:" + std::to_string(port) + ": Connection refused");
    });
}

TEST(happy_eyeballs, try_the_next_address_at_once_when_one_refuses) {
    brio::run([] {
        brio::io::tcp_listener listener("127.0.0.1", 0);
        // With an hour of head start for each it would not end in time, were it waited for.
        const brio::io::descriptor fd = detail::connect_to_one_of(
            {at("127.0.0.1", refusing_port()), at("127.0.0.1", listener.port())},
            {.happy_eyeballs_delay = 1h}, "several");
        EXPECT_EQ(detail::peer_endpoint(fd.get()).port(), listener.port());
    });
}

TEST(happy_eyeballs, try_the_next_address_beside_one_that_does_not_answer) {
    brio::run([] {
        const black_hole hole;
        brio::io::tcp_listener listener("127.0.0.1", 0);
        brio::sleep(1ms);
        const std::size_t before = open_descriptors();
        {
            const brio::io::descriptor fd = detail::connect_to_one_of(
                {at("127.0.0.1", hole.port()), at("127.0.0.1", listener.port())},
                {.happy_eyeballs_delay = 5ms}, "several");
            EXPECT_EQ(detail::peer_endpoint(fd.get()).port(), listener.port());
            EXPECT_EQ(brio::all_tasks().size(), 1u) << "the loser has ended";
            brio::sleep(1ms);  // epoll keeps duplicates until it sleeps
            EXPECT_EQ(open_descriptors(), before + 1) << "and left nothing";
        }
    });
}

TEST(happy_eyeballs, stop_everything_when_cancelled) {
    brio::run([] {
        const black_hole hole;
        brio::sleep(1ms);
        const std::size_t before = open_descriptors();
        for (const brio::delay head_start : {brio::delay(1ms), brio::delay(std::nullopt)}) {
            auto connecting = brio::create_task([&] {
                (void)detail::connect_to_one_of(
                    {at("127.0.0.1", hole.port()), at("127.0.0.1", hole.port())},
                    {.happy_eyeballs_delay = head_start}, "several");
            });
            const std::size_t attempts = head_start.get() ? 2 : 1;
            while (brio::all_tasks().size() < 2 + attempts) brio::sleep(1ms);
            connecting.cancel();
            EXPECT_THROW(connecting.await(), brio::cancelled_error);
            EXPECT_EQ(brio::all_tasks().size(), 1u);
            brio::sleep(1ms);
            EXPECT_EQ(open_descriptors(), before);
        }
    });
}

TEST(happy_eyeballs, name_every_address_when_none_answers) {
    brio::run([] {
        const std::uint16_t port = refusing_port();
        const auto text = [&](const brio::stream_options& options) {
            return text_of<std::system_error>([&] {
                (void)detail::connect_to_one_of({at("127.0.0.1", port), at("127.0.0.2", port)},
                                                options, "several");
            });
        };
        const std::string number = std::to_string(port);
        const std::string all = "connect to 127.0.0.1:" + number +
                                " (Connection refused), 127.0.0.2:" + number +
                                ": Connection refused";
        EXPECT_EQ(text({}), all);
        EXPECT_EQ(text({.happy_eyeballs_delay = std::nullopt}), all);
        EXPECT_EQ(text({.local_host = "::1"}),
                  "connect to several: Cannot assign requested address");
    });
}

TEST(open_connection, cancelled_at_any_moment_leaves_nothing_open) {
    brio::run([] { brio::sleep(1ms); });
    const std::size_t before = open_descriptors();
    for (int turns = 0; turns < 6; ++turns) {
        brio::run([turns] {
            brio::io::tcp_listener listener("127.0.0.1", 0);
            auto connecting = brio::create_task(
                [&] { (void)brio::open_connection("127.0.0.1", listener.port()); });
            for (int i = 0; i < turns; ++i) brio::yield();
            connecting.cancel();
            try {
                connecting.await();
            } catch (const brio::cancelled_error&) {
            }
        });
    }
    EXPECT_EQ(open_descriptors(), before);
}

TEST(open_unix_connection, speaks_to_paths_and_abstract_names) {
    brio::run([] {
        const std::string path = "/tmp/brio-stream-" + std::to_string(::getpid()) + ".socket";
        for (const std::string& name : {path, std::string("\0brio-stream", 12)}) {
            brio::io::unix_listener listener(name);
            auto accepted = brio::create_task([&] { return listener.accept(); });
            auto [reader, writer] = brio::open_unix_connection(name);
            writer.write("by path");
            writer.close();
            std::array<char, 16> part;
            EXPECT_EQ(std::move(accepted).await().read(part), 7u);
        }
        ::unlink(path.c_str());
        EXPECT_THROW((void)brio::open_unix_connection(""), std::invalid_argument);
        EXPECT_TRUE(contains(
            text_of<std::system_error>([&] { (void)brio::open_unix_connection(path); }), path));
    });
}

}  // namespace
