// UDP and unix datagrams, on whatever reactor the variant chooses.

#include "io/native.hpp"

#include <brio/io/datagram.hpp>

#include <array>
#include <optional>
#include <set>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace brio::testing_native {
namespace {

class native_datagrams : public native_test {};

std::string abstract_name(const std::string& what) {
    return std::string(1, '\0') + "brio-" + what + "-" + std::to_string(::getpid());
}

struct text_and_sender {
    std::string text;
    io::endpoint sender;
};
text_and_sender receive(io::datagram_socket& s) {
    std::string buffer(1 << 16, '\0');
    const io::received_datagram got = s.receive(buffer);
    EXPECT_FALSE(got.truncated);
    buffer.resize(got.size);
    return {buffer, got.sender};
}

/// Whether a datagram waits to be received.
bool has_one(const io::datagram_socket& s) {
    char byte = 0;
    return ::recv(s.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC) >= 0;
}

/// A port of the loopback at which nobody is.
io::endpoint nobody() {
    return io::udp_socket::bind("127.0.0.1", 0).sockname();
}

// ------------------------------------------------------------------------------------------- UDP

TEST_F(native_datagrams, go_to_an_address_and_tell_where_they_came_from) {
    run([] {
        auto a = io::udp_socket::bind("127.0.0.1", 0);
        auto b = io::udp_socket::bind("127.0.0.1", 0);
        a.send_to("ping", b.sockname());
        const auto [text, sender] = receive(b);
        EXPECT_EQ(text, "ping");
        EXPECT_EQ(sender, a.sockname());
        b.send_to("pong", sender);
        EXPECT_EQ(receive(a).text, "pong");
        EXPECT_TRUE(a.peername().empty());
    });
}

TEST_F(native_datagrams, of_a_connected_socket_go_to_its_peer_and_come_from_it_alone) {
    run([] {
        auto server = io::udp_socket::bind("", 0);
        const io::endpoint where("127.0.0.1", server.sockname().port());
        auto client = io::udp_socket::connect("127.0.0.1", where.port());
        EXPECT_EQ(client.peername(), where);
        auto stranger = io::udp_socket::bind("127.0.0.1", 0);
        stranger.send_to("from a stranger", client.sockname());
        client.send("hello");
        const auto [text, sender] = receive(server);
        EXPECT_EQ(text, "hello");
        EXPECT_EQ(sender, client.sockname());
        server.send_to("to you", sender);
        EXPECT_EQ(receive(client).text, "to you");
    });
}

TEST_F(native_datagrams, are_sent_from_the_local_address_that_was_asked_for) {
    run([] {
        auto server = io::udp_socket::bind("127.0.0.1", 0);
        const io::endpoint local = nobody();
        auto client =
            io::udp_socket::connect("127.0.0.1", server.sockname().port(), {.local = local});
        client.send("x");
        EXPECT_EQ(receive(server).sender, local);
    });
}

TEST_F(native_datagrams, may_be_empty) {
    run([] {
        auto a = io::udp_socket::bind("127.0.0.1", 0);
        auto b = io::udp_socket::connect("127.0.0.1", a.sockname().port());
        b.send("");
        a.send_to("", b.sockname());
        for (io::udp_socket* s : {&a, &b}) {
            const auto [text, sender] = receive(*s);
            EXPECT_EQ(text, "");
            EXPECT_FALSE(sender.empty());
        }
    });
}

TEST_F(native_datagrams, that_are_too_long_for_the_buffer_are_cut_off_and_marked) {
    run([] {
        auto a = io::udp_socket::bind("127.0.0.1", 0);
        auto b = io::udp_socket::bind("127.0.0.1", 0);
        b.send_to("0123456789", a.sockname());
        b.send_to("the next", a.sockname());
        std::array<char, 4> small;
        const io::received_datagram got = a.receive(small);
        EXPECT_TRUE(got.truncated);
        EXPECT_EQ(std::string(small.data(), got.size), "0123");
        EXPECT_EQ(receive(a).text, "the next");
        b.send_to("x", a.sockname());
        EXPECT_TRUE(a.receive(std::string()).truncated);
    });
}

TEST_F(native_datagrams, that_are_too_long_for_udp_are_refused) {
    run([] {
        auto a = io::udp_socket::bind("127.0.0.1", 0);
        const io::endpoint peer = a.sockname();
        const refusal seen = refusal_of([&] { a.send_to(std::string(1 << 16, 'x'), peer); });
        EXPECT_EQ(seen.code, std::errc::message_size);
        EXPECT_EQ(seen.text, "send to " + peer.text() + ": Message too long");
    });
}

TEST_F(native_datagrams, to_nobody_fail_the_next_call_once_and_the_socket_stays_usable) {
    run([] {
        const io::endpoint peer = nobody();
        auto s = io::udp_socket::connect("127.0.0.1", peer.port());
        std::array<char, 8> part;
        s.send("is anybody there?");
        const refusal seen = refusal_of([&] { static_cast<void>(s.receive(part)); });
        EXPECT_EQ(seen.code, std::errc::connection_refused);
        EXPECT_EQ(seen.text, "recv from " + peer.text() + ": Connection refused");
        s.send("and now?");
        EXPECT_EQ(refusal_of([&] { s.send("again"); }).text,
                  "send to " + peer.text() + ": Connection refused");

        auto late = io::udp_socket::bind("127.0.0.1", peer.port());
        s.send("hello");
        EXPECT_EQ(receive(late).text, "hello");
    });
}

TEST_F(native_datagrams, wake_a_receiver_with_the_error_of_a_datagram_sent_meanwhile) {
    run([] {
        auto s = io::udp_socket::connect("127.0.0.1", nobody().port());
        auto receiving = create_task([&] {
            std::array<char, 8> part;
            static_cast<void>(s.receive(part));
        });
        yield();
        s.send("x");
        EXPECT_EQ(refusal_of([&] { receiving.await(); }).code, std::errc::connection_refused);
    });
}

TEST_F(native_datagrams, without_a_peer_need_an_address) {
    run([] {
        auto s = io::udp_socket::bind("127.0.0.1", 0);
        EXPECT_EQ(refusal_of([&] { s.send("x"); }).text,
                  "send to anybody: Destination address required");
    });
}

TEST_F(native_datagrams, need_leave_to_be_broadcast) {
    run([] {
        const io::endpoint everybody("255.255.255.255", 9);
        auto without = io::udp_socket::bind("", 0);
        EXPECT_EQ(refusal_of([&] { without.send_to("x", everybody); }).code,
                  std::errc::permission_denied);
        auto with = io::udp_socket::bind("", 0, {.broadcast = true});
        try {
            with.send_to("x", everybody);
        } catch (const std::system_error& e) {
            EXPECT_EQ(e.code(), std::errc::network_unreachable);  // no network but the loopback
        }
    });
}

TEST_F(native_datagrams, share_a_port_only_when_both_say_so) {
    run([] {
        auto first = io::udp_socket::bind("127.0.0.1", 0, {.reuse_port = true});
        const io::endpoint where = first.sockname();
        auto second = io::udp_socket::bind("127.0.0.1", where.port(), {.reuse_port = true});
        EXPECT_EQ(second.sockname(), where);
        EXPECT_EQ(refusal_of([&] {
                      static_cast<void>(io::udp_socket::bind("127.0.0.1", where.port()));
                  }).text,
                  "bind to " + where.text() + ": Address already in use");
    });
}

TEST_F(native_datagrams, travel_over_ipv6) {
    run([] {
        std::optional<io::udp_socket> server;
        try {
            server = io::udp_socket::bind("::1", 0);
        } catch (const std::system_error& e) {
            GTEST_SKIP() << e.what();
        }
        auto client = io::udp_socket::connect("::1", server->sockname().port());
        client.send("six");
        const auto [text, sender] = receive(*server);
        EXPECT_EQ(text, "six");
        EXPECT_EQ(sender.text(), std::string("[::1]:") + std::to_string(client.sockname().port()));
    });
}

TEST_F(native_datagrams, find_their_peer_by_name) {
    run([] {
        auto server = io::udp_socket::bind("127.0.0.1", 0);
        // Where localhost is ::1 first, that is taken: UDP cannot tell that nobody is there.
        auto client = io::udp_socket::connect("localhost", server.sockname().port());
        EXPECT_EQ(client.peername().port(), server.sockname().port());
        EXPECT_THROW(static_cast<void>(io::udp_socket::bind("no.such.name.invalid", 0)),
                     std::system_error);
    });
}

TEST_F(native_datagrams, are_received_by_several_tasks_each_once) {
    run([] {
        auto server = io::udp_socket::bind("127.0.0.1", 0);
        auto client = io::udp_socket::connect("127.0.0.1", server.sockname().port());
        std::vector<task<std::string>> receivers;
        for (int i = 0; i < 20; ++i)
            receivers.push_back(create_task([&] { return receive(server).text; }));
        yield();
        std::multiset<std::string> sent, got;
        for (int i = 0; i < 20; ++i) {
            sent.insert(std::to_string(i));
            client.send(std::to_string(i));
        }
        for (auto& r : receivers) got.insert(r.await());
        EXPECT_EQ(got, sent);
    });
}

TEST_F(native_datagrams, on_a_closed_socket_are_a_misuse) {
    run([] {
        auto s = io::udp_socket::bind("127.0.0.1", 0);
        const io::endpoint own = s.sockname();
        s.close();
        std::array<char, 1> byte;
        EXPECT_EQ(s.native_handle(), -1);
        EXPECT_THROW(static_cast<void>(s.receive(byte)), usage_error);
        EXPECT_THROW(s.send("x"), usage_error);
        EXPECT_THROW(s.send_to("x", own), usage_error);
        EXPECT_THROW(static_cast<void>(s.sockname()), usage_error);
        EXPECT_THROW(static_cast<void>(s.peername()), usage_error);
    });
}

// ---------------------------------------------------------------------------------------- cancels

TEST_F(native_datagrams, a_cancelled_receive_has_taken_none) {
    for (int turns = 0; turns < cancel_turns; ++turns) {
        run([turns] {
            auto a = io::udp_socket::bind("127.0.0.1", 0);
            std::array<char, 8> part;
            EXPECT_TRUE(cancelled_after(turns, [&] { static_cast<void>(a.receive(part)); }));
            io::udp_socket::connect("127.0.0.1", a.sockname().port()).send("kept");
            EXPECT_EQ(receive(a).text, "kept");
        });
    }
}

TEST_F(native_datagrams, a_receive_that_races_with_a_cancel_loses_none) {
    for (int round = 0; round < 100; ++round) {
        run([round] {
            auto a = io::udp_socket::bind("127.0.0.1", 0);
            auto b = io::udp_socket::connect("127.0.0.1", a.sockname().port());
            std::string got;
            auto receiving = create_task([&] { got = receive(a).text; });
            yield();
            if (round % 2 == 0) receiving.cancel();
            ASSERT_EQ(::send(b.native_handle(), "one", 3, 0), 3);
            if (round % 2 != 0) receiving.cancel();
            try {
                receiving.await();
            } catch (const cancelled_error&) {
            }
            EXPECT_NE(has_one(a), got == "one");
        });
    }
}

// ----------------------------------------------------------------------------------- unix sockets

TEST_F(native_datagrams, go_to_a_path_and_are_answered_where_there_is_one) {
    run([] {
        const temporary_directory where;
        auto server = io::unix_datagram_socket::bind(where.path("server"));
        auto client = io::unix_datagram_socket::connect(where.path("server"), where.path("client"));
        client.send("question");
        const auto [text, sender] = receive(server);
        EXPECT_EQ(text, "question");
        EXPECT_EQ(sender.text(), where.path("client"));
        server.send_to("answer", sender);
        EXPECT_EQ(receive(client).text, "answer");

        auto unnamed = io::unix_datagram_socket::connect(where.path("server"));
        unnamed.send("from nobody");
        EXPECT_TRUE(receive(server).sender.empty());
    });
}

/// Its queue is short (sysctl net.unix.max_dgram_qlen); the sender counts as writable all the same.
class native_full_queue : public native_test {
protected:
    /// Sends until the queue is full; returns how many.
    static int fill(const io::unix_datagram_socket& sender, const io::endpoint& to) {
        int count = 0;
        while (::sendto(sender.native_handle(), ".", 1, MSG_DONTWAIT,
                        static_cast<const sockaddr*>(to.data()),
                        static_cast<socklen_t>(to.size())) == 1)
            ++count;
        return count;
    }
};

TEST_F(native_full_queue, suspends_who_sends_to_it) {
    for (const bool connected : {true, false}) {
        run([connected] {
            const std::string name = abstract_name("full");
            auto server = io::unix_datagram_socket::bind(name);
            const io::endpoint where = server.sockname();
            auto client = connected ? io::unix_datagram_socket::connect(name)
                                    : io::unix_datagram_socket::bind(abstract_name("sender"));
            const int filling = fill(client, where);
            EXPECT_GT(filling, 0);
            auto sending = create_task(
                [&] { connected ? client.send("late") : client.send_to("late", where); });
            for (int i = 0; i < 5; ++i) yield();
            EXPECT_FALSE(sending.done());
            for (int i = 0; i < filling; ++i) EXPECT_EQ(receive(server).text, ".");
            EXPECT_EQ(receive(server).text, "late");
            sending.await();
        });
    }
}

TEST_F(native_full_queue, gets_nothing_from_a_cancelled_send) {
    for (int turns = 0; turns < cancel_turns; ++turns) {
        run([turns] {
            auto server = io::unix_datagram_socket::bind(abstract_name("full"));
            const io::endpoint where = server.sockname();
            auto client = io::unix_datagram_socket::bind(abstract_name("sender"));
            const int filling = fill(client, where);
            EXPECT_TRUE(cancelled_after(turns, [&] { client.send_to("x", where); }));
            for (int i = 0; i < filling; ++i) EXPECT_EQ(receive(server).text, ".");
            EXPECT_FALSE(has_one(server));
        });
    }
}

TEST_F(native_full_queue, gets_it_or_not_as_the_sender_says_when_it_races_with_a_cancel) {
    for (int round = 0; round < 20; ++round) {
        run([round] {
            auto server = io::unix_datagram_socket::bind(abstract_name("full"));
            const io::endpoint where = server.sockname();
            auto client = io::unix_datagram_socket::bind(abstract_name("sender"));
            const int filling = fill(client, where);
            bool sent = false;
            auto sending = create_task([&] {
                client.send_to("late", where);
                sent = true;
            });
            yield();
            if (round % 2 == 0) sending.cancel();
            char byte = 0;
            ASSERT_EQ(::recv(server.native_handle(), &byte, 1, 0), 1);
            if (round % 2 != 0) sending.cancel();
            try {
                sending.await();
            } catch (const cancelled_error&) {
            }
            for (int i = 1; i < filling; ++i) EXPECT_EQ(receive(server).text, ".");
            EXPECT_EQ(has_one(server), sent);
        });
    }
}

}  // namespace
}  // namespace brio::testing_native
