// start_tls(), with a layer that only turns the case of letters around: who owns what when, and what
// becomes of the bytes on either side of the change. TLS itself has its own tests.

#include "stream/connections.hpp"

#include <cctype>
#include <memory>
#include <string>

namespace {

using namespace brio_test;
using brio::testing::stream_pair;
namespace detail = brio::detail;

std::string turned(std::string_view text) {
    std::string other;
    for (const char c : text)
        other += static_cast<char>(std::islower(c) != 0 ? std::toupper(c) : std::tolower(c));
    return other;
}

class turning_channel final : public detail::byte_channel {
public:
    explicit turning_channel(detail::byte_channel* owned) : inner_(owned) {}
    std::size_t read(brio::bytes_out out) override {
        const std::size_t n = inner_->read(out);
        const std::string text = turned({static_cast<char*>(out.data()), n});
        std::copy(text.begin(), text.end(), static_cast<char*>(out.data()));
        return n;
    }
    std::size_t write(brio::bytes_view data) override {
        return inner_->write(turned({static_cast<const char*>(data.data()), data.size()}));
    }
    std::size_t try_write(brio::bytes_view data) override {
        return inner_->try_write(turned({static_cast<const char*>(data.data()), data.size()}));
    }
    [[nodiscard]] bool can_write_eof() const noexcept override { return false; }
    void write_eof() override {}
    void close() override {
        for (const char c : {'b', 'y', 'e', '.'})
            (void)inner_->write(std::string_view(&c, 1));  // suspends, as a TLS good-bye may
        inner_->close();
    }
    void abort() noexcept override { inner_->abort(); }
    [[nodiscard]] int descriptor() const noexcept override { return inner_->descriptor(); }
    [[nodiscard]] std::string extra_info(std::string_view name) const override {
        return name == "cipher" ? "turned" : "";
    }

private:
    std::unique_ptr<detail::byte_channel> inner_;
};

/// The client says "hello NAME.", the server answers "welcome.".
class turning_layer final : public detail::channel_layer {
public:
    detail::byte_channel* client(detail::byte_channel* owned,
                                 std::string_view server_hostname) const override {
        std::unique_ptr<detail::byte_channel> kept(owned);
        say(*owned, "hello " + std::string(server_hostname) + ".");
        require(message(*owned) == "welcome.");
        return new turning_channel(kept.release());
    }
    detail::byte_channel* server(detail::byte_channel* owned) const override {
        std::unique_ptr<detail::byte_channel> kept(owned);
        require(message(*owned) == "hello here.");
        say(*owned, "welcome.");
        return new turning_channel(kept.release());
    }

private:
    static void say(detail::byte_channel& to, std::string_view text) {
        while (!text.empty()) text.remove_prefix(to.write(text));
    }
    static std::string message(detail::byte_channel& from) {
        std::string text;
        for (char c = 0; c != '.' && from.read(std::span(&c, 1)) == 1;) text += c;
        return text;
    }
    static void require(bool right) {
        if (!right) throw std::runtime_error("a handshake that failed");
    }
};

TEST(start_tls, changes_the_channel_of_both_halves) {
    brio::testing::run([] {
        const turning_layer layer;
        auto [client, server] = stream_pair(1);
        client.writer.write("please\n");
        auto serving = brio::create_task([&, &server = server] {
            EXPECT_EQ(server.reader.readline(), "please\n");
            server.writer.start_tls(layer);
            EXPECT_EQ(server.reader.readline(), "Secret\n");
            server.writer.write("Answer\n");
        });
        client.writer.start_tls(layer, "here");
        EXPECT_EQ(client.writer.get_extra_info("cipher"), "turned");
        EXPECT_FALSE(client.writer.can_write_eof());
        EXPECT_EQ(text_of<brio::usage_error>([&w = client.writer] { w.write_eof(); }),
                  "write_eof: this connection can only end in both directions: close()");
        client.writer.write("Secret\n");
        EXPECT_EQ(client.reader.readline(), "Answer\n");
        serving.await();
        client.writer.close();
        EXPECT_EQ(server.reader.read(), turned("bye."));
        client.writer.wait_closed();
    });
}

TEST(start_tls, takes_buffered_bytes_for_the_handshake_and_not_for_text) {
    brio::testing::run([] {
        const turning_layer layer;
        auto [client, server] = stream_pair();
        client.writer.write("please\nhello here.sECRET");  // all in one piece
        client.writer.write_eof();
        EXPECT_EQ(server.reader.readline(), "please\n");
        server.writer.start_tls(layer);
        EXPECT_EQ(server.reader.read(), "Secret");
        EXPECT_EQ(client.reader.readexactly(8), "welcome.");
    });
}

TEST(start_tls, that_fails_loses_the_connection) {
    brio::testing::run([] {
        auto [client, server] = stream_pair();
        client.writer.write("hello there.");
        const auto failed = [](auto&& call) {
            return text_of<std::runtime_error>(call) == "a handshake that failed";
        };
        EXPECT_TRUE(failed([&w = server.writer] { w.start_tls(turning_layer()); }));
        EXPECT_TRUE(failed([&r = server.reader] { (void)r.read(1); }));
        EXPECT_TRUE(failed([&w = server.writer] { w.drain(); }));
        EXPECT_TRUE(failed([&w = server.writer] { w.start_tls(turning_layer()); }));
        EXPECT_TRUE(server.writer.is_closing());
        EXPECT_EQ(server.writer.peername(), "");
        EXPECT_EQ(server.writer.native_handle(), -1);
        EXPECT_EQ(client.reader.read(), "");
    });
}

TEST(start_tls, that_is_cancelled_or_aborted_ends_the_connection) {
    for (const bool abort : {false, true}) {
        brio::testing::run([abort] {
            const turning_layer layer;
            auto [client, server] = stream_pair();
            auto starting = brio::create_task([&, &w = server.writer] { w.start_tls(layer); });
            let_others_run();
            EXPECT_EQ(text_of<brio::usage_error>([&r = server.reader] { (void)r.read(1); }),
                      "read: another task reads from this stream already");
            abort ? server.writer.abort() : (void)starting.cancel();
            if (abort)
                EXPECT_THROW(starting.await(), std::runtime_error);
            else
                EXPECT_THROW(starting.await(), brio::cancelled_error);
            server.writer.wait_closed();
            EXPECT_EQ(client.reader.read(), "");
            EXPECT_EQ(server.reader.read(), "");
        });
    }
}

TEST(start_tls, sends_what_is_written_meanwhile_afterwards) {
    brio::testing::run([] {
        const turning_layer layer;
        auto [client, server] = stream_pair();
        auto starting = brio::create_task([&, &w = server.writer] { w.start_tls(layer); });
        let_others_run();
        server.writer.write("Early");
        server.writer.close();
        client.writer.start_tls(layer, "here");
        starting.await();
        EXPECT_EQ(client.reader.read(), std::string("Early") + turned("bye."));
    });
}

TEST(start_tls, wants_a_stream_that_is_open_and_that_nobody_reads) {
    brio::testing::run([] {
        const turning_layer layer;
        auto [client, server] = stream_pair();
        auto reading = brio::create_task([&r = server.reader] { return r.read(1); });
        brio::yield();
        EXPECT_EQ(text_of<brio::usage_error>([&, &w = server.writer] { w.start_tls(layer); }),
                  "start_tls: a task reads from this stream");
        client.writer.close();
        EXPECT_EQ(reading.await(), "");
        EXPECT_TRUE(
            contains(text_of<std::system_error>([&, &w = client.writer] { w.start_tls(layer); }),
                     "start_tls on a closed connection"));
    });
}

TEST(start_tls, is_done_by_open_connection_and_by_servers) {
    brio::run([] {
        const turning_layer layer;
        auto server =
            brio::start_server([](brio::stream_reader reader,
                                  brio::stream_writer writer) { writer.write(reader.readline()); },
                               "127.0.0.1", 0, {.streams = {.tls = &layer}});
        {
            auto [reader, writer] = brio::open_connection(
                "127.0.0.1", server.port(), {.tls = &layer, .server_hostname = "here"});
            EXPECT_EQ(writer.get_extra_info("cipher"), "turned");
            writer.write("Line\n");
            EXPECT_EQ(reader.readline(), "Line\n");
        }
        EXPECT_THROW((void)brio::open_connection("127.0.0.1", server.port(), {.tls = &layer}),
                     std::runtime_error)
            << "the host's name is the name by default, and this is not 'here'";
        server.close();
        server.wait_closed();
    });
}

}  // namespace
