// Much at once: bytes through a small window, and connections.

#include "stream/connections.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <vector>

namespace {

using namespace brio_test;

bool long_run() {
    const char* const value = std::getenv("BRIO_LONG");
    return value != nullptr && std::string_view(value) == "1";
}

TEST(stream_load, sends_much_through_small_socket_buffers) {
    brio::run([] {
        auto [client, server] = socket_pair();
        const int small = 4096;
        for (const int fd : {client.writer.native_handle(), server.writer.native_handle()})
            for (const int which : {SO_SNDBUF, SO_RCVBUF})
                ::setsockopt(fd, SOL_SOCKET, which, &small, sizeof small);
        const std::size_t total = (long_run() ? std::size_t{100} : std::size_t{8}) << 20;
        auto sending = brio::create_task([total, &w = client.writer] {
            std::string piece(50'000, '\0');
            for (std::size_t at = 0; at < total; at += piece.size()) {
                for (std::size_t i = 0; i < piece.size(); ++i)
                    piece[i] = static_cast<char>((at + i) % 251);
                w.write(std::string_view(piece).substr(0, total - at));
                w.drain();
            }
            w.write_eof();
        });
        std::size_t at = 0;
        bool same = true;
        for (std::string part; !(part = server.reader.read(100'000)).empty();)
            for (const char c : part) same = same && c == static_cast<char>(at++ % 251);
        EXPECT_TRUE(same);
        EXPECT_EQ(at, total);
        sending.await();
    });
}

TEST(stream_load, a_thousand_connections_at_once) {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    const std::size_t wanted = 1000;
    if (files.rlim_cur < 3 * wanted) {
        files.rlim_cur = std::min<rlim_t>(files.rlim_max, 4 * wanted);
        ::setrlimit(RLIMIT_NOFILE, &files);
    }
    const std::size_t count = std::min<std::size_t>(wanted, files.rlim_cur / 4);
    brio::run([count] {
        std::size_t there = 0;
        auto server = brio::start_server(
            [&](brio::stream_reader reader, brio::stream_writer writer) {
                ++there;
                for (const std::string& line : reader) writer.write(line);
            },
            "127.0.0.1", 0, {.backlog = 1000});
        auto all_there = brio::get_running_loop().create_future<void>();
        std::vector<brio::task<std::string>> clients;
        for (std::size_t i = 0; i < count; ++i)
            clients.push_back(brio::create_task([&, i, port = server.port()] {
                auto [reader, writer] = brio::open_connection("127.0.0.1", port);
                all_there.await();
                writer.write("client " + std::to_string(i) + "\n");
                writer.write_eof();
                return reader.read();
            }));
        while (there < count) brio::sleep(1ms);
        all_there.set_result();
        for (std::size_t i = 0; i < count; ++i)
            EXPECT_EQ(clients[i].await(), "client " + std::to_string(i) + "\n");
        server.close();
        server.wait_closed();
    });
}

}  // namespace
