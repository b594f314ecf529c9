// Cancels that race with what the kernel says, on whatever reactor the variant chooses: no byte is
// lost or doubled, no descriptor is left.

#include "stream/connections.hpp"

#include <string>
#include <vector>

namespace {

using namespace brio_test;

/// Awaits what may have been cancelled.
void end(const brio::task<void>& t) {
    try {
        t.await();
    } catch (const brio::cancelled_error&) {
    }
}

TEST(stream_races, reads_cancelled_around_their_arrival_lose_nothing) {
    brio::run([] {
        auto [client, server] = socket_pair();
        std::string got;
        std::string sent;
        for (int round = 0; round < 300; ++round) {
            const int kind = round % 3;
            auto reading = brio::create_task([&, &r = server.reader] {
                got += kind == 0 ? r.read(10) : kind == 1 ? r.readexactly(2) : r.readline();
            });
            for (int i = 0; i < round % 4; ++i) brio::yield();
            const std::string piece = kind == 1 ? "ab" : "c\n";
            if (round % 2 == 0) client.writer.write(piece);
            reading.cancel();
            if (round % 2 == 1) client.writer.write(piece);
            sent += piece;
            end(reading);
        }
        client.writer.close();
        got += server.reader.read();
        EXPECT_EQ(got, sent);
    });
}

TEST(stream_races, drains_cancelled_while_the_kernel_sends_lose_nothing) {
    brio::run([] {
        auto [client, server] = socket_pair({.high_water = 1000});
        constexpr std::size_t piece = 300'000;
        auto reading = brio::create_task([&r = server.reader] { return r.read(); });
        for (int round = 0; round < 20; ++round) {
            client.writer.write(std::string(piece, static_cast<char>('a' + round)));
            auto draining = brio::create_task([&w = client.writer] { w.drain(); });
            for (int i = 0; i < round % 5; ++i) brio::yield();
            draining.cancel();
            end(draining);
        }
        client.writer.close();
        std::string expected;
        for (int round = 0; round < 20; ++round)
            expected.append(piece, static_cast<char>('a' + round));
        EXPECT_TRUE(reading.await() == expected);
    });
}

TEST(stream_races, aborts_meet_reads_and_writes_at_every_stage) {
    brio::run([] { brio::sleep(1ms); });
    const std::size_t before = open_descriptors();
    brio::run([] {
        for (int turns = 0; turns < 8; ++turns) {
            auto [client, server] = socket_pair({.high_water = 10});
            client.writer.write(std::string(1 << 20, 'x'));
            auto draining = brio::create_task([&w = client.writer] { w.drain(); });
            auto reading = brio::create_task([&r = client.reader] { (void)r.read(1); });
            for (int i = 0; i < turns; ++i) brio::yield();
            if (turns % 2 == 0) {
                reading.cancel();
                draining.cancel();
            }
            client.writer.abort();
            end(reading);
            end(draining);
            client.writer.wait_closed();
        }
    });
    EXPECT_EQ(open_descriptors(), before);
}

TEST(stream_races, a_reset_by_the_peer_ends_reads_and_drains) {
    brio::run([] {
        std::vector<brio::connection> held;
        auto server = brio::start_server(
            [&](brio::stream_reader r, brio::stream_writer w) {
                held.push_back({std::move(r), std::move(w)});
            },
            "127.0.0.1", 0);
        auto client = brio::open_connection("127.0.0.1", server.port());
        while (held.empty()) brio::sleep(1ms);
        client.writer.write(std::string(8 << 20, 'x'));
        auto reading = brio::create_task([&r = client.reader] { return r.read(1); });
        auto draining = brio::create_task([&w = client.writer] { w.drain(); });
        let_others_run();
        held[0].writer.abort();  // with unread data: the kernel sends a reset
        const auto told = [](auto&& call) {
            return contains(text_of<std::system_error>(call), "Connection reset by peer");
        };
        EXPECT_TRUE(told([&] { draining.await(); }));
        try {
            EXPECT_EQ(reading.await(), "") << "the kernel tells one of the two";
        } catch (const std::system_error&) {
        }
        EXPECT_TRUE(told([&r = client.reader] { (void)r.read(1); }));
        EXPECT_TRUE(told([&w = client.writer] { w.wait_closed(); }));
    });
}

TEST(stream_races, servers_closed_while_clients_arrive_leave_nothing) {
    brio::run([] { brio::sleep(1ms); });
    const std::size_t before = open_descriptors();
    for (int turns = 0; turns < 8; ++turns) {
        brio::run([turns] {
            auto server = brio::start_server(
                [](brio::stream_reader r, brio::stream_writer) { (void)r.read(); }, "127.0.0.1", 0);
            std::vector<brio::task<void>> clients;
            for (int i = 0; i < 4; ++i)
                clients.push_back(brio::create_task([port = server.port()] {
                    try {
                        (void)brio::open_connection("127.0.0.1", port);
                    } catch (const std::system_error&) {
                    }
                }));
            for (int i = 0; i < turns; ++i) brio::yield();
            server.close();
            server.wait_closed();
            for (auto& c : clients) c.await();
        });
    }
    EXPECT_EQ(open_descriptors(), before);
}

TEST(stream_races, serve_forever_and_wait_closed_are_cancelled_before_and_during) {
    for (int turns = 0; turns < 3; ++turns) {
        brio::run([turns] {
            auto server =
                brio::start_server([](brio::stream_reader, brio::stream_writer) {}, "127.0.0.1", 0);
            auto waiting = brio::create_task([&] { server.wait_closed(); });
            auto serving = brio::create_task([&] { server.serve_forever(); });
            for (int i = 0; i < turns; ++i) brio::yield();
            waiting.cancel();
            serving.cancel();
            EXPECT_THROW(waiting.await(), brio::cancelled_error);
            EXPECT_THROW(serving.await(), brio::cancelled_error);
            EXPECT_EQ(server.is_serving(), turns == 0) << "one that never began closes nothing";
        });
    }
}

}  // namespace
