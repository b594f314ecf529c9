// A TCP echo server, and a client that speaks to it.

#include <brio/brio.hpp>

#include <cstdio>
#include <string>
#include <utility>

static void echo(brio::stream_reader reader, brio::stream_writer writer) {
    for (const std::string& line : reader) {
        writer.write(line);
        writer.drain();
    }
}

int main() {
    brio::run([] {
        brio::server server = brio::start_server(echo, "127.0.0.1", 0);
        auto [reader, writer] = brio::open_connection("127.0.0.1", server.port());
        for (const char* line : {"Hello\n", "World\n"}) {
            writer.write(line);
            std::printf("%s", reader.readline().c_str());
        }
        writer.close();
        writer.wait_closed();
        server.close();
        server.wait_closed();
        std::puts("closed");
    });
}

// Prints:
//   Hello
//   World
//   closed
