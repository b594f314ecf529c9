// How a connection ends: by a goodbye (close_notify) from each side, or without.

#include "tls/raw_peer.hpp"

#include <brio/testing.hpp>

namespace {

using namespace brio::testing_tls;
using brio::tls_context;

channel_pair strictly_connected(channel_pair below) {
    auto client = client_options();
    auto server = server_options();
    client.suppress_ragged_eofs = server.suppress_ragged_eofs = false;
    return connected(std::move(below), tls_context::client(client), tls_context::server(server));
}

void settle() {
    for (int i = 0; i < 10; ++i) brio::yield();
}

TEST(tls_close, says_goodbye_and_waits_for_the_peers) {
    for (const auto make : {+[] { return memory_pair(); }, +[] { return socket_pair(); }}) {
        brio::run([&] {
            auto ends = strictly_connected(make());
            write_all(*ends.client, "last words");
            auto closing = brio::create_task([&] { ends.client->close(); });
            EXPECT_EQ(read_to_end(*ends.server), "last words");
            settle();
            EXPECT_FALSE(closing.done());
            ends.server->close();
            closing.await();
            ends.client->close();  // a second call does nothing
            EXPECT_EQ(read_to_end(*ends.client), "");
        });
    }
}

TEST(tls_close, may_come_from_both_sides_at_once) {
    brio::run([] {
        auto ends = strictly_connected(socket_pair());
        auto other = brio::create_task([&] { ends.server->close(); });
        ends.client->close();
        other.await();
    });
}

TEST(tls_close, gives_up_when_the_peer_does_not_answer) {
    brio::testing::run([] {
        auto ends = connected(memory_pair());
        const auto begin = brio::clock::now();
        try {
            ends.client->close();
            FAIL() << "nobody has answered";
        } catch (const brio::timeout_error& e) {
            EXPECT_STREQ(e.what(), "TLS shutdown with localhost took longer than shutdown_timeout");
        }
        EXPECT_EQ(brio::clock::now() - begin, 30s);
        EXPECT_THROW(read_to_end(*ends.server), std::system_error) << "the connection is aborted";
        ends.client->close();
    });
}

TEST(tls_close, gives_up_also_when_the_peer_does_not_even_read) {
    brio::testing::run([] {
        auto below = memory_pair(4000);
        auto client = client_options();
        client.shutdown_timeout = 7s;
        auto ends = connected(std::move(below), tls_context::client(client),
                              tls_context::server(server_options()));
        while (ends.client->try_write("much, and then no room for a goodbye") > 0) {
        }
        const auto begin = brio::clock::now();
        const brio::defer_cancel not_now;  // the limit is no cancel
        EXPECT_THROW(ends.client->close(), brio::timeout_error);
        EXPECT_EQ(brio::clock::now() - begin, 7s);
    });
}

TEST(tls_close, drops_what_the_peer_still_sends_and_does_not_wait_longer) {
    brio::testing::run([] {
        auto ends = connected(memory_pair());
        auto closing = brio::create_task([&] { ends.client->close(); });
        settle();
        write_all(*ends.server, "one thing more");
        closing.await();
        EXPECT_EQ(brio::clock::now(), brio::time_point(0s));
    });
}

TEST(tls_close, ends_a_read_that_is_under_way) {
    brio::testing::run([] {
        for (const bool by_goodbye : {true, false}) {
            auto ends = connected(memory_pair());
            auto reader = brio::create_task([&] { return read_to_end(*ends.client); });
            settle();
            auto closing = brio::create_task([&] { ends.client->close(); });
            EXPECT_EQ(read_to_end(*ends.server), "");
            settle();
            EXPECT_FALSE(closing.done());
            EXPECT_FALSE(reader.done());
            if (by_goodbye)
                ends.server->close();
            else
                write_all(*ends.server, "one thing more");
            closing.await();
            EXPECT_EQ(reader.await(), "");
        }
    });
}

TEST(tls_close, that_takes_too_long_ends_a_read_by_an_error) {
    brio::testing::run([] {
        auto ends = connected(memory_pair());
        auto reader = brio::create_task([&] { return read_to_end(*ends.client); });
        settle();
        EXPECT_THROW(ends.client->close(), brio::timeout_error);
        EXPECT_THROW(reader.await(), std::system_error);
    });
}

TEST(tls_close, needs_no_peer_that_has_said_goodbye_before) {
    for (const auto make : {+[] { return memory_pair(); }, +[] { return socket_pair(); }}) {
        brio::run([&] {
            auto ends = connected(make());
            auto closing = brio::create_task([&] { ends.server->close(); });
            EXPECT_EQ(read_to_end(*ends.client), "");
            closing.cancel();  // it does not wait for the answer
            EXPECT_THROW(closing.await(), brio::cancelled_error);
            ends.server.reset();
            ends.client->close();
        });
    }
}

TEST(tls_close, is_no_error_when_the_peer_just_ends) {
    brio::run([] {
        auto below = memory_pair();
        byte_channel& wire = *below.client;
        auto ends = strictly_connected(std::move(below));
        wire.write_eof();
        ends.server->close();
    });
}

// ------------------------------------------------------------------------------------- half-closing

TEST(tls_half_close, lets_the_other_direction_go_on) {
    for (const auto make : {+[] { return memory_pair(); }, +[] { return socket_pair(); }}) {
        brio::run([&] {
            auto ends = strictly_connected(make());
            EXPECT_TRUE(ends.client->can_write_eof());
            write_all(*ends.client, "question");
            ends.client->write_eof();
            EXPECT_EQ(read_to_end(*ends.server), "question");
            const std::string answer = much_text(100'000);
            auto answering = brio::create_task([&] {
                write_all(*ends.server, answer);
                ends.server->close();
            });
            EXPECT_TRUE(read_to_end(*ends.client) == answer);
            ends.client->close();
            answering.await();
        });
    }
}

TEST(tls_half_close, lets_nothing_more_be_written) {
    brio::run([] {
        auto ends = connected(memory_pair());
        ends.client->write_eof();
        ends.client->write_eof();
        try {
            ends.client->write("more");
            FAIL() << "it has said goodbye";
        } catch (const brio::tls_error& e) {
            EXPECT_STREQ(e.what(), "TLS write to localhost: protocol is shutdown");
        }
        EXPECT_THROW((void)ends.client->try_write("more"), brio::tls_error);
    });
}

TEST(tls_half_close, is_not_in_tls_1_2) {
    brio::run([] {
        auto below = memory_pair();
        raw_peer peer(*below.client, TLS1_2_VERSION);
        EXPECT_FALSE(server_of(peer, std::move(below.server))->can_write_eof());
    });
}

// ----------------------------------------------------------------------------- without a goodbye

TEST(tls_ragged_end, is_an_end_as_in_asyncio) {
    brio::run([] {
        auto below = memory_pair();
        byte_channel& wire = *below.client;
        auto ends = connected(std::move(below));
        write_all(*ends.client, "cut off");
        wire.write_eof();
        EXPECT_EQ(read_to_end(*ends.server), "cut off");
        EXPECT_EQ(read_to_end(*ends.server), "");
        ends.server->close();
    });
}

TEST(tls_ragged_end, is_an_error_for_who_asks) {
    brio::run([] {
        auto below = memory_pair();
        byte_channel& wire = *below.client;
        auto ends = strictly_connected(std::move(below));
        write_all(*ends.client, "cut off");
        wire.write_eof();
        EXPECT_EQ(read_exactly(*ends.server, 7), "cut off");
        try {
            (void)read_to_end(*ends.server);
            FAIL() << "there was no goodbye";
        } catch (const brio::tls_error& e) {
            EXPECT_EQ(e.code(), std::errc::connection_aborted);
            EXPECT_THAT(e.what(), StartsWith("TLS read from memory: it ended without a goodbye "
                                             "(close_notify)"));
        }
    });
}

// ------------------------------------------------------------------------------------------- aborting

TEST(tls_abort, ends_whoever_is_in_the_channel) {
    for (const auto make :
         {+[] { return narrowly_connected(1000); }, +[] { return connected(socket_pair()); }}) {
        brio::run([&] {
            auto ends = make();
            auto reader = brio::create_task([&] { return read_to_end(*ends.client); });
            auto writer = brio::create_task([&] { write_all(*ends.client, much_text(1 << 20)); });
            settle();
            ends.client->abort();
            EXPECT_THROW(writer.await(), std::system_error);
            try {
                EXPECT_EQ(reader.await(), "");
            } catch (const std::system_error&) {
            }
            ends.client->close();
        });
    }
}

TEST(tls_abort, ends_a_handshake) {
    brio::run([] {
        auto below = memory_pair();
        byte_channel& wire = *below.client;
        const auto tls = tls_context::client(client_options());
        auto client = brio::create_task([&] { as_client(tls, std::move(below.client)); });
        settle();
        wire.abort();
        EXPECT_THROW(client.await(), std::system_error);
    });
}

}  // namespace
