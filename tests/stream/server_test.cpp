// Servers: accepting, closing, waiting for clients, and what goes wrong meanwhile.

#include "stream/connections.hpp"

#include <brio/io/socket.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <vector>

namespace {

using namespace brio_test;

void echo(brio::stream_reader reader, brio::stream_writer writer) {
    for (std::string part; !(part = reader.read(1000)).empty();) {
        writer.write(part);
        writer.drain();
    }
    writer.close();
    writer.wait_closed();
}

/// A server whose clients' streams stay in `held`.
struct holding_server {
    std::vector<brio::connection> held = {};
    brio::server server = brio::start_server(
        [this](brio::stream_reader reader, brio::stream_writer writer) {
            held.push_back({std::move(reader), std::move(writer)});
        },
        "127.0.0.1", 0);

    brio::connection client() {
        const std::size_t before = held.size();
        brio::connection c = brio::open_connection("127.0.0.1", server.port());
        while (held.size() == before) brio::sleep(1ms);
        return c;
    }
};

struct reports {
    reports() {
        brio::get_running_loop().set_exception_handler(
            [this](const brio::exception_report& r) { texts.emplace_back(r.message); });
    }
    std::vector<std::string> texts;
};

std::string conversation(std::uint16_t port) {
    auto [reader, writer] = brio::open_connection("127.0.0.1", port);
    writer.write("hello");
    writer.write_eof();
    return reader.read();
}

TEST(server, calls_its_handler_in_a_task_for_each_client) {
    brio::run([] {
        auto server = brio::start_server(echo, "127.0.0.1", 0);
        EXPECT_TRUE(server.is_serving());
        EXPECT_EQ(server.sockets().size(), 1u);
        EXPECT_EQ(brio::all_tasks().size(), 1u) << "accepting is no task of the program";
        std::vector<brio::task<std::string>> clients;
        for (int i = 0; i < 5; ++i)
            clients.push_back(brio::create_task([&] { return conversation(server.port()); }));
        for (auto& c : clients) EXPECT_EQ(c.await(), "hello");
        server.close();
        server.close();
        EXPECT_FALSE(server.is_serving());
        EXPECT_EQ(server.port(), 0);
        EXPECT_TRUE(server.sockets().empty());
        server.wait_closed();
    });
}

TEST(server, listens_on_every_interface_with_one_port) {
    brio::run([] {
        auto server = brio::start_server(echo, "", 0);
        EXPECT_EQ(conversation(server.port()), "hello");
        for (const auto& one : server.sockets()) EXPECT_GE(one, 0);
    });
}

TEST(server, takes_a_handler_that_cannot_be_copied) {
    brio::run([] {
        auto server = brio::start_server(
            [number = std::make_unique<int>(7)](brio::stream_reader, brio::stream_writer w) {
                w.write(std::to_string(*number));
            },
            "127.0.0.1", 0);
        auto [reader, writer] = brio::open_connection("127.0.0.1", server.port());
        EXPECT_EQ(reader.read(), "7");
    });
}

TEST(server, starts_to_serve_when_it_is_told_to) {
    brio::run([] {
        auto server = brio::start_server(echo, "127.0.0.1", 0, {.start_serving = false});
        EXPECT_FALSE(server.is_serving());
        EXPECT_THROW((void)conversation(server.port()), std::system_error);
        server.start_serving();
        server.start_serving();
        EXPECT_TRUE(server.is_serving());
        EXPECT_EQ(conversation(server.port()), "hello");
        server.close();
        EXPECT_EQ(text_of<brio::usage_error>([&] { server.start_serving(); }),
                  "start_serving: the server is closed");
        EXPECT_EQ(text_of<brio::usage_error>([&] { server.serve_forever(); }),
                  "serve_forever: the server is closed");
    });
}

TEST(server, frees_its_address_when_it_closes) {
    brio::run([] {
        auto first = brio::start_server(echo, "127.0.0.1", 0);
        const std::uint16_t port = first.port();
        EXPECT_THROW((void)brio::start_server(echo, "127.0.0.1", port), std::system_error);
        first.close();
        auto second = brio::start_server(echo, "127.0.0.1", port);
        EXPECT_EQ(conversation(port), "hello");
    });
}

TEST(server, wait_closed_waits_for_close_and_for_the_last_client) {
    brio::run([] {
        holding_server s;
        auto client = s.client();
        auto waiting = brio::create_task([&] { s.server.wait_closed(); });
        auto cancelled = brio::create_task([&] { s.server.wait_closed(); });
        let_others_run();
        cancelled.cancel();
        EXPECT_THROW(cancelled.await(), brio::cancelled_error);
        s.server.close();
        let_others_run();
        EXPECT_FALSE(waiting.done()) << "a client is there";
        client.writer.write("x");
        EXPECT_EQ(s.held[0].reader.read(1), "x") << "connections go on";
        s.held[0].writer.close();
        waiting.await();
        s.server.wait_closed();
    });
}

TEST(server, closes_its_clients_and_aborts_them) {
    for (const bool abort : {false, true}) {
        brio::run([abort] {
            holding_server s;
            auto first = s.client();
            auto second = s.client();
            s.held[0].writer.write("last words");
            s.server.close();
            abort ? s.server.abort_clients() : s.server.close_clients();
            s.server.wait_closed();
            EXPECT_EQ(first.reader.read(), "last words");
            EXPECT_EQ(second.reader.read(), "");
            EXPECT_TRUE(s.held[1].writer.is_closing());
            EXPECT_EQ(s.held[1].reader.read(), "");
        });
    }
}

TEST(server, abort_clients_ends_those_whose_peers_do_not_read) {
    brio::run([] {
        holding_server s;
        auto client = s.client();
        s.held[0].writer.write(std::string(16 << 20, 'x'));
        s.server.close();
        s.server.close_clients();
        auto waiting = brio::create_task([&] { s.server.wait_closed(); });
        let_others_run();
        EXPECT_FALSE(waiting.done());
        s.server.abort_clients();
        waiting.await();
    });
}

TEST(server, serves_forever_until_cancelled) {
    brio::run([] {
        auto server = brio::start_server(echo, "127.0.0.1", 0, {.start_serving = false});
        auto serving = brio::create_task([&] { server.serve_forever(); });
        brio::yield();
        EXPECT_EQ(text_of<brio::usage_error>([&] { server.serve_forever(); }),
                  "serve_forever: another task is in it already");
        EXPECT_EQ(conversation(server.port()), "hello");
        serving.cancel();
        EXPECT_THROW(serving.await(), brio::cancelled_error);
        EXPECT_FALSE(server.is_serving());
    });
}

TEST(server, close_ends_serve_forever_in_a_cancelled_error) {
    brio::run([] {
        auto server = brio::start_server(echo, "127.0.0.1", 0);
        auto serving = brio::create_task([&] { server.serve_forever(); });
        brio::yield();
        server.close();
        EXPECT_THROW(serving.await(), brio::cancelled_error);
        EXPECT_TRUE(serving.cancelled());
    });
}

TEST(server, reports_what_a_handler_throws_and_closes_the_connection) {
    brio::run([] {
        reports told;
        auto server = brio::start_server(
            [](brio::stream_reader, brio::stream_writer writer) {
                writer.write("before");
                throw std::runtime_error("of the handler");
            },
            "127.0.0.1", 0);
        auto [reader, writer] = brio::open_connection("127.0.0.1", server.port());
        EXPECT_EQ(reader.read(), "before");
        server.close();
        server.wait_closed();
        EXPECT_EQ(told.texts, std::vector<std::string>{"exception in a client's handler"});
    });
}

TEST(server, a_cancelled_handler_is_not_reported_and_its_connection_is_closed) {
    brio::run([] {
        reports told;
        brio::any_task handler;
        auto server = brio::start_server(
            [&](brio::stream_reader reader, brio::stream_writer) {
                handler = brio::current_task();
                (void)reader.read();
            },
            "127.0.0.1", 0);
        auto [reader, writer] = brio::open_connection("127.0.0.1", server.port());
        while (!handler.valid()) brio::sleep(1ms);
        handler.cancel();
        EXPECT_EQ(reader.read(), "");
        EXPECT_TRUE(told.texts.empty());
    });
}

TEST(server, pauses_when_descriptors_run_out_and_goes_on) {
    brio::testing::run([] {  // its clock makes the pause of a second none
        reports told;
        auto server = brio::start_server(echo, "127.0.0.1", 0);
        const brio::io::descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const brio::io::endpoint where("127.0.0.1", server.port());
        rlimit before{};
        ::getrlimit(RLIMIT_NOFILE, &before);
        rlimit none_left = before;
        none_left.rlim_cur = 1;
        ::setrlimit(RLIMIT_NOFILE, &none_left);
        EXPECT_EQ(::connect(client.get(), static_cast<const sockaddr*>(where.data()),
                            static_cast<socklen_t>(where.size())),
                  0);
        while (told.texts.empty()) brio::yield();
        ::setrlimit(RLIMIT_NOFILE, &before);
        EXPECT_EQ(told.texts[0],
                  "a server lacks what it needs to accept: it tries again in a second");
        EXPECT_EQ(conversation(server.port()), "hello");
        EXPECT_EQ(told.texts.size(), 1u);
    });
}

TEST(server, reports_an_error_after_which_nobody_can_be_accepted) {
    brio::run([] {
        reports told;
        auto server = brio::start_server(echo, "127.0.0.1", 0);
        ::shutdown(server.sockets()[0], SHUT_RDWR);
        while (told.texts.empty()) brio::sleep(1ms);
        EXPECT_EQ(told.texts[0], "a server accepts no more");
    });
}

TEST(server, that_is_destroyed_leaves_its_connections_alone) {
    brio::run([] {
        auto s = std::make_unique<brio::server>(brio::start_server(echo, "127.0.0.1", 0));
        auto [reader, writer] = brio::open_connection("127.0.0.1", s->port());
        writer.write("a");
        EXPECT_EQ(reader.read(1), "a");
        s.reset();
        writer.write("b");
        EXPECT_EQ(reader.read(1), "b");
    });
}

TEST(server, may_be_left_to_the_end_of_run_with_its_clients) {
    brio::run([] { brio::sleep(1ms); });
    const std::size_t before = open_descriptors();
    brio::run([] {
        auto server = brio::start_server(echo, "127.0.0.1", 0);
        auto client = brio::open_connection("127.0.0.1", server.port());
        client.writer.write("x");
        EXPECT_EQ(client.reader.read(1), "x");
        brio::create_task(
            [server = std::move(server), client = std::move(client)] { brio::sleep(1h); });
        brio::yield();
    });
    EXPECT_EQ(open_descriptors(), before);
}

TEST(server, that_was_moved_from_or_belongs_elsewhere_says_so) {
    brio::run([] {
        auto server = brio::start_server(echo, "127.0.0.1", 0);
        std::string text;
        std::thread([&] { text = text_of<brio::usage_error>([&] { server.close(); }); }).join();
        EXPECT_EQ(text, "the server that close() is called on belongs to another thread");
        const brio::server taken = std::move(server);
        EXPECT_EQ(text_of<brio::usage_error>([&] { server.close(); }),
                  "the server that close() is called on was moved from");
        EXPECT_EQ(text_of<std::invalid_argument>([] {
                      (void)brio::start_server(echo, "127.0.0.1", 0, {.streams = {.limit = 0}});
                  }),
                  "start_server: the limit is 0");
    });
}

TEST(unix_server, removes_a_socket_that_is_left_over_and_its_own_in_the_end) {
    brio::run([] {
        const std::string path = "/tmp/brio-server-" + std::to_string(::getpid()) + ".socket";
        const auto exists = [&] { return ::access(path.c_str(), F_OK) == 0; };
        const auto talk = [&] {
            auto [reader, writer] = brio::open_unix_connection(path);
            writer.write("hello");
            writer.write_eof();
            return reader.read();
        };
        { const brio::io::unix_listener left_over(path); }
        EXPECT_TRUE(exists());
        auto server = brio::start_unix_server(echo, path);
        EXPECT_EQ(talk(), "hello");
        EXPECT_EQ(server.port(), 0);
        auto successor = brio::start_unix_server(echo, path, {.cleanup_socket = false});
        server.close();
        EXPECT_TRUE(exists()) << "the path is the successor's by now";
        EXPECT_EQ(talk(), "hello");
        successor.close();
        EXPECT_TRUE(exists());
        { auto third = brio::start_unix_server(echo, path); }
        EXPECT_FALSE(exists());
        auto abstract = brio::start_unix_server(echo, std::string("\0brio-server", 12));
        EXPECT_TRUE(abstract.is_serving());
    });
}

}  // namespace
