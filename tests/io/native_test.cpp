// The native sockets, on whatever reactor the variant chooses.

#include <brio/brio.hpp>
#include <brio/io/socket.hpp>

#include <array>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

using namespace std::chrono_literals;

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::string read_to_end(brio::io::stream_socket& s) {
    std::string all;
    std::array<char, 4096> part;
    while (const std::size_t n = s.read(part)) all.append(part.data(), n);
    return all;
}

struct pair {
    brio::io::tcp_stream client, server;
};
pair connected() {
    brio::io::tcp_listener listener("127.0.0.1", 0);
    auto accepted = brio::create_task([&] { return listener.accept(); });
    auto client = brio::io::tcp_stream::connect("127.0.0.1", listener.port());
    return {std::move(client), std::move(accepted).await()};
}

TEST(native_sockets, carry_bytes_both_ways_and_end_by_half_closing) {
    brio::run([] {
        auto [client, server] = connected();
        client.write("hello");
        client.shutdown_write();
        EXPECT_EQ(read_to_end(server), "hello");
        server.write("world");
        server.close();
        EXPECT_EQ(read_to_end(client), "world");
    });
}

TEST(native_sockets, write_all_of_what_does_not_fit_at_once) {
    brio::run([] {
        auto [client, server] = connected();
        const std::string much(8 << 20, 'x');
        auto writer = brio::create_task([&much, &client = client] {
            client.write(much);
            client.shutdown_write();
        });
        EXPECT_EQ(read_to_end(server).size(), much.size());
        writer.await();
    });
}

TEST(native_sockets, wait_on_the_file_and_not_on_the_number) {
    brio::run([] {
        auto [client, server] = connected();
        auto [next_client, next_server] = connected();
        auto reader = brio::create_task([&server = server] {
            std::array<char, 8> unwanted;
            return server.read(unwanted);
        });
        brio::yield();  // the read has begun, and may not have reached the kernel
        const int number = server.native_handle();
        server.close();
        const int again = ::fcntl(next_server.native_handle(), F_DUPFD_CLOEXEC, number);
        EXPECT_EQ(again, number);
        brio::yield();
        next_client.write("hello");
        next_client.shutdown_write();
        client.shutdown_write();
        EXPECT_EQ(reader.await(), 0u) << "the read took what another socket received";
        EXPECT_EQ(read_to_end(next_server), "hello");
        ::close(again);
    });
}

TEST(native_sockets, speak_over_unix_paths_and_abstract_names) {
    brio::run([] {
        const std::string path = "/tmp/brio-native-" + std::to_string(::getpid()) + ".socket";
        for (const std::string& name : {path, std::string("\0brio-native", 12)}) {
            brio::io::unix_listener listener(name);
            auto accepted = brio::create_task([&] { return listener.accept(); });
            auto client = brio::io::unix_stream::connect(name);
            auto server = std::move(accepted).await();
            client.write("by path");
            client.close();
            EXPECT_EQ(read_to_end(server), "by path");
        }
        ::unlink(path.c_str());
        EXPECT_THROW((void)brio::io::unix_stream::connect(""), std::invalid_argument);
        EXPECT_THROW((void)brio::io::unix_stream::connect(std::string(200, 'p')),
                     std::invalid_argument);
    });
}

TEST(native_sockets, resolve_names_on_a_helper_thread) {
    brio::run([] {
        brio::io::tcp_listener listener("127.0.0.1", 0);
        auto accepted = brio::create_task([&] { return listener.accept(); });
        auto client = brio::io::tcp_stream::connect("localhost", listener.port());
        client.write("x");
        client.close();
        auto server = std::move(accepted).await();
        EXPECT_EQ(read_to_end(server), "x");
    });
}

TEST(native_sockets, name_call_and_peer_in_their_errors) {
    brio::run([] {
        std::uint16_t port = 0;
        {
            const brio::io::tcp_listener closed_at_once("127.0.0.1", 0);
            port = closed_at_once.port();
        }
        try {
            (void)brio::io::tcp_stream::connect("127.0.0.1", port);
            FAIL() << "nobody listens there";
        } catch (const std::system_error& e) {
            EXPECT_EQ(e.code(), std::errc::connection_refused);
            EXPECT_NE(std::string(e.what()).find("connect to 127.0.0.1:" + std::to_string(port)),
                      std::string::npos)
                << e.what();
        }
        auto [client, server] = connected();
        client.close();
        std::array<char, 8> part;
        EXPECT_THROW((void)client.read(part), brio::usage_error);
        EXPECT_THROW(client.write("x"), brio::usage_error);
        EXPECT_THROW(brio::io::tcp_listener("no.number", 0), std::invalid_argument);
    });
}

TEST(native_sockets, raise_no_sigpipe_when_the_peer_has_gone) {
    brio::run([] {
        auto [client, server] = connected();
        server.close();
        const auto write_on = [&client = client] {
            for (;;) client.write(std::string(1 << 16, 'x'));
        };
        EXPECT_THROW(write_on(), std::system_error);
    });
}

TEST(native_sockets, keep_a_byte_that_arrives_in_the_turn_of_a_cancel) {
    for (int round = 0; round < 200; ++round) {
        brio::run([round] {
            auto [client, server] = connected();
            std::string got;
            auto reader = brio::create_task([&got, &server = server] {
                std::array<char, 4> part;
                for (int attempt = 0; attempt < 2 && got.empty(); ++attempt) {
                    try {
                        got.append(part.data(), server.read(part));
                    } catch (const brio::cancelled_error&) {
                    }
                }
            });
            brio::yield();
            if (round % 2 == 0) {
                client.write("b");
                reader.cancel();
            } else {
                reader.cancel();
                client.write("b");
            }
            try {
                reader.await();
            } catch (const brio::cancelled_error&) {
            }
            EXPECT_EQ(got, "b");
        });
    }
}

TEST(native_sockets, leave_no_descriptor_behind_when_cancelled) {
    brio::run([] { brio::sleep(1ms); });
    const std::size_t before = open_descriptors();
    brio::run([] {
        brio::io::tcp_listener listener("127.0.0.1", 0);
        EXPECT_THROW(brio::timeout(5ms, [&] { (void)listener.accept(); }), brio::timeout_error);
        brio::io::tcp_listener full("127.0.0.1", 0, {.backlog = 1});
        std::vector<brio::task<void>> waiting;
        for (int i = 0; i < 8; ++i)
            waiting.push_back(brio::create_task(
                [&] { (void)brio::io::tcp_stream::connect("127.0.0.1", full.port()); }));
        brio::sleep(5ms);
        for (auto& t : waiting) t.cancel();
        for (auto& o : brio::gather(brio::return_exceptions, waiting).await())
            EXPECT_TRUE(o || o.error_as<brio::cancelled_error>() != nullptr);
    });
    EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
