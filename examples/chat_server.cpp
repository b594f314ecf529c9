// A chat: what one says all hear. Two guests come, talk and go; then the server closes.

#include <brio/brio.hpp>

#include <cstdio>
#include <string>
#include <system_error>
#include <vector>

static std::vector<brio::stream_writer*> guests;

// Who does not read what he is told makes nobody wait: write() keeps it for him.
static void tell_all(const std::string& text) {
    for (brio::stream_writer* const guest : guests) guest->write(text);
}

static void serve(brio::stream_reader reader, brio::stream_writer writer) {
    std::string name = reader.readline();
    if (!name.ends_with('\n')) return;
    name.pop_back();
    guests.push_back(&writer);
    try {
        tell_all(name + " is here\n");
        const std::string prefix = name + ": ";
        for (const std::string& line : reader) tell_all(prefix + line);
    } catch (const std::system_error&) {
        // The connection broke: then he has left, too.
    }
    std::erase(guests, &writer);
    tell_all(name + " has left\n");
}

static void hear(const char* who, brio::stream_reader& reader) {
    std::printf("%s hears %s", who, reader.readline().c_str());
}

int main() {
    brio::run([] {
        brio::server server = brio::start_server(serve, "127.0.0.1", 0);
        auto ada = brio::open_connection("127.0.0.1", server.port());
        ada.writer.write("Ada\n");
        hear("Ada", ada.reader);
        auto bob = brio::open_connection("127.0.0.1", server.port());
        bob.writer.write("Bob\nHello!\n");
        for (int i = 0; i < 2; ++i) hear("Ada", ada.reader);
        bob.writer.close();
        hear("Ada", ada.reader);
        ada.writer.close();
        server.close();
        server.wait_closed();
    });
}

// Prints:
//   Ada hears Ada is here
//   Ada hears Bob is here
//   Ada hears Bob: Hello!
//   Ada hears Bob has left
