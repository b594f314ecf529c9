// An echo server on a unix socket. The client ends its direction, and then reads what comes back.

#include <brio/brio.hpp>

#include <cstdio>
#include <string>
#include <unistd.h>

static void echo(brio::stream_reader reader, brio::stream_writer writer) {
    writer.write(reader.read());
    writer.close();
    writer.wait_closed();
}

int main() {
    const std::string path = "/tmp/brio-echo-" + std::to_string(::getpid()) + ".socket";
    brio::run([&] {
        brio::server server = brio::start_unix_server(echo, path);
        auto [reader, writer] = brio::open_unix_connection(path);
        writer.writelines({"three ", "short ", "pieces"});
        writer.write_eof();
        std::printf("%s\n", reader.read().c_str());
        server.close();
        server.wait_closed();
    });
    std::printf("the path is %s\n", ::access(path.c_str(), F_OK) == 0 ? "there" : "gone");
}

// Prints:
//   three short pieces
//   the path is gone
