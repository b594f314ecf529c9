// What is written is read, in whatever pieces it goes.

#include "tls/raw_peer.hpp"

#include <sys/resource.h>
#include <vector>

namespace {

constexpr int connections = 1000;

using namespace brio::testing_tls;
using brio::tls_context;

void exchange(channel_pair ends, std::size_t size) {
    const std::string text = much_text(size);
    const auto send = [&text](byte_channel& to) {
        return brio::create_task([&] { write_all(to, text); });
    };
    const auto receive = [size](byte_channel& from) {
        return brio::create_task([&from, size] { return read_exactly(from, size); });
    };
    auto up = send(*ends.client), down = send(*ends.server);
    auto at_server = receive(*ends.server), at_client = receive(*ends.client);
    EXPECT_TRUE(at_server.await() == text);
    EXPECT_TRUE(at_client.await() == text);
    up.await();
    down.await();
    close_both(ends);
}

TEST(tls_data, goes_both_ways_at_once_through_sockets) {
    brio::run([] { exchange(connected(socket_pair()), 16 << 20); });
}
TEST(tls_data, goes_both_ways_at_once_through_memory) {
    brio::run([] { exchange(connected(memory_pair()), 1 << 20); });
}
TEST(tls_data, goes_through_a_pipe_that_holds_less_than_a_record) {
    for (const std::size_t capacity : {1, 7, 1000})
        brio::run([&] { exchange(narrowly_connected(capacity), 50'000); });
}

TEST(tls_data, may_go_byte_by_byte) {
    brio::run([] {
        auto ends = connected(socket_pair());
        const std::string text = much_text(2000);
        auto writer = brio::create_task([&] {
            for (const char byte : text)
                EXPECT_EQ(ends.client->write(std::string_view(&byte, 1)), 1u);
        });
        std::string got;
        while (got.size() < text.size()) {
            char byte;
            ASSERT_EQ(ends.server->read(std::span(&byte, 1)), 1u);
            got += byte;
        }
        EXPECT_EQ(got, text);
        writer.await();
        EXPECT_EQ(ends.client->write(std::string_view()), 0u);
        EXPECT_EQ(ends.client->try_write(std::string_view()), 0u);
        EXPECT_EQ(ends.client->read(std::span<char>()), 0u);
    });
}

TEST(tls_data, that_try_write_has_taken_arrives_without_another_call) {
    brio::run([] {
        for (const auto make : {+[] { return memory_pair(); }, +[] { return socket_pair(); }}) {
            auto ends = connected(make());
            const std::string text = much_text(4 << 20);
            const std::size_t taken = ends.client->try_write(text);
            ASSERT_GT(taken, 0u);
            ASSERT_LT(taken, text.size());
            EXPECT_EQ(read_exactly(*ends.server, taken), text.substr(0, taken));
        }
    });
}

TEST(tls_data, that_try_write_has_not_taken_is_sent_once) {
    brio::run([] {
        auto ends = narrowly_connected(1000);
        const std::string text = much_text(100'000);
        auto reader = brio::create_task([&] { return read_exactly(*ends.server, text.size()); });
        std::string_view rest = text;
        std::size_t refusals = 0;
        while (!rest.empty()) {
            const std::size_t n = ends.client->try_write(rest);
            refusals += n == 0;
            rest.remove_prefix(n);
            // Another piece than before, beginning with what was offered.
            if (n == 0) rest.remove_prefix(ends.client->write(rest.substr(0, 1 + refusals * 100)));
        }
        EXPECT_TRUE(reader.await() == text);
        EXPECT_GT(refusals, 3u);
    });
}

// ------------------------------------------------------------------- ciphertext that a reader makes

TEST(tls_keys, change_between_what_is_written) {
    brio::run([] {
        auto below = memory_pair(1000);
        raw_peer peer(*below.client);
        const auto server = server_of(peer, std::move(below.server));
        for (int round = 0; round < 5; ++round) {
            peer.ask_for_new_keys();
            peer.write("ping");
            EXPECT_EQ(read_exactly(*server, 4), "ping");
            write_all(*server, "pong");
            EXPECT_EQ(peer.read(), "pong");
        }
    });
}

TEST(tls_keys, change_in_the_middle_of_a_record_that_is_being_sent) {
    brio::run([] {
        auto below = memory_pair(1000);
        raw_peer peer(*below.client);
        const auto server = server_of(peer, std::move(below.server));
        const std::string text = much_text(50'000);
        auto writer = brio::create_task([&] { write_all(*server, text); });
        auto reader = brio::create_task([&] { return read_exactly(*server, 4); });
        for (int i = 0; i < 5; ++i) brio::yield();  // the writer is stuck
        peer.ask_for_new_keys();
        peer.write("ping");
        EXPECT_EQ(reader.await(), "ping");
        EXPECT_FALSE(writer.done());
        std::string got;
        while (got.size() < text.size()) {
            const std::string part = peer.read();
            ASSERT_NE(part, "") << peer.error();
            got += part;
        }
        EXPECT_TRUE(got == text);
        writer.await();
    });
}

TEST(tls_keys, do_not_pile_up_for_a_peer_that_reads_none) {
    brio::run([] {
        auto below = memory_pair();
        auto& wire = static_cast<memory_channel&>(*below.client);
        raw_peer peer(wire);
        const auto server = server_of(peer, std::move(below.server));
        wire.set_capacity(2000);
        auto asking = brio::create_task([&] {
            for (;;) {
                peer.ask_for_new_keys();
                peer.handshake();
            }
        });
        try {
            (void)read_to_end(*server);
            FAIL() << "there is no end";
        } catch (const brio::tls_error& e) {
            EXPECT_EQ(e.code(), std::errc::no_buffer_space);
            EXPECT_THAT(e.what(),
                        StartsWith("TLS read from memory: it asks for new keys again and again, "
                                   "and reads no answer"));
        }
        asking.cancel();
        EXPECT_THROW(asking.await(), brio::cancelled_error);
    });
}

TEST(tls_keys, are_not_renegotiated) {
    brio::run([] {
        auto below = memory_pair();
        raw_peer peer(*below.client, TLS1_2_VERSION);
        const auto server = server_of(peer, std::move(below.server));
        EXPECT_EQ(server->extra_info("version"), "TLSv1.2");
        auto reader = brio::create_task([&] {
            try {
                (void)read_to_end(*server);
            } catch (const brio::tls_error&) {  // a client may take the refusal for the end
            }
        });
        EXPECT_NE(peer.renegotiate(), 1);
        EXPECT_EQ(peer.error(), "no renegotiation");
        below.client->write_eof();
        reader.await();
    });
}

TEST(tls_data, that_was_tampered_with_ends_the_connection_on_both_sides) {
    brio::run([] {
        auto below = memory_pair();
        byte_channel& wire = *below.client;
        raw_peer peer(wire);
        const auto server = server_of(peer, std::move(below.server));
        // A record of application data that nobody has encrypted.
        wire.write(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
        try {
            (void)read_exactly(*server, 1);
            FAIL() << "that was no record";
        } catch (const brio::tls_error& e) {
            EXPECT_STREQ(e.what(), "TLS read from memory: decryption failed or bad record mac");
        }
        EXPECT_EQ(peer.read(), "");
        EXPECT_EQ(peer.error(), "sslv3 alert bad record mac");
        EXPECT_THROW((void)read_exactly(*server, 1), brio::tls_error);
        EXPECT_THROW(server->write("more"), brio::tls_error);
    });
}

// ------------------------------------------------------------------------------------------- a crowd

TEST(tls_crowd, of_a_thousand_connections_speaks_at_once) {
    rlimit limit;
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    ASSERT_GT(limit.rlim_max, 2u * connections + 100) << "raise ulimit -Hn";

    brio::run([] {
        const auto client = tls_context::client(client_options());
        const auto server = tls_context::server(server_options());
        std::vector<brio::task<void>> tasks;
        int open = 0;
        auto all_open = brio::create_future<void>();
        for (int i = 0; i < connections; ++i) {
            auto below = std::make_shared<channel_pair>(socket_pair());
            tasks.push_back(brio::create_task([&server, below] {
                const auto channel = as_server(server, std::move(below->server));
                write_all(*channel, read_exactly(*channel, 8));
                EXPECT_EQ(read_to_end(*channel), "");
                channel->close();
            }));
            tasks.push_back(brio::create_task([&, below, i] {
                const auto channel = as_client(client, std::move(below->client));
                if (++open == connections) all_open.set_result();
                all_open.await();
                const std::string text = std::to_string(10'000'000 + i);
                write_all(*channel, text);
                EXPECT_EQ(read_exactly(*channel, 8), text);
                channel->close();
            }));
        }
        for (auto& each : tasks) each.await();
        EXPECT_EQ(open, connections);
    });
}

}  // namespace
