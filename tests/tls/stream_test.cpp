// TLS below streams, as users have it.

#include "tls/certificates.hpp"
#include "tls/connected.hpp"

#include <brio/stream.hpp>

namespace {

using namespace brio::testing_tls;
using brio::tls_context;

class tls_streams : public ::testing::Test {
protected:
    const tls_context client = tls_context::client(client_options());
    const tls_context server = tls_context::server(server_options());
};

void echo(brio::stream_reader reader, brio::stream_writer writer) {
    for (const std::string& line : reader) {
        writer.write(line);
        writer.drain();
    }
}

TEST_F(tls_streams, speak_through_open_connection_and_start_server) {
    brio::run([&] {
        auto serving = brio::start_server(echo, "127.0.0.1", 0, {.streams = {.tls = &server}});
        auto [reader, writer] =
            brio::open_connection("127.0.0.1", serving.port(), {.tls = &client});
        EXPECT_EQ(writer.get_extra_info("version"), "TLSv1.3");
        EXPECT_EQ(writer.peername(), "127.0.0.1:" + std::to_string(serving.port()));
        writer.write("hello\n");
        EXPECT_EQ(reader.readline(), "hello\n");
        writer.close();
        writer.wait_closed();
        serving.close();
        serving.wait_closed();
    });
}

TEST_F(tls_streams, send_in_the_background_what_does_not_fit_at_once) {
    brio::run([&] {
        auto serving = brio::start_server(echo, "127.0.0.1", 0, {.streams = {.tls = &server}});
        auto [reader, writer] =
            brio::open_connection("127.0.0.1", serving.port(), {.tls = &client});
        const std::string line = much_text(50'000) + "\n";
        constexpr int lines = 100;
        for (int i = 0; i < lines; ++i) writer.write(line);  // 5 MB, and nobody reads yet
        EXPECT_GT(writer.get_write_buffer_size(), 0u);
        for (int i = 0; i < lines; ++i) ASSERT_EQ(reader.readline(), line);
        writer.close();
        writer.wait_closed();
        serving.close();
        serving.wait_closed();
    });
}

TEST_F(tls_streams, refuse_the_wrong_host) {
    brio::run([&] {
        auto serving = brio::start_server(echo, "127.0.0.1", 0, {.streams = {.tls = &server}});
        EXPECT_THROW(
            (void)brio::open_connection("127.0.0.1", serving.port(),
                                        {.tls = &client, .server_hostname = "example.org"}),
            brio::certificate_error);
        serving.close();
        serving.wait_closed();
    });
}

TEST_F(tls_streams, change_to_tls_in_the_middle) {
    brio::run([&] {
        const auto serve = [this](brio::stream_reader reader, brio::stream_writer writer) {
            EXPECT_EQ(reader.readline(), "STARTTLS\n");
            writer.write("go ahead\n");
            writer.start_tls(server);
            EXPECT_EQ(reader.readline(), "secret\n");
            writer.write("understood\n");
            writer.close();
            writer.wait_closed();
        };
        auto serving = brio::start_server(serve, "127.0.0.1", 0);
        auto [reader, writer] = brio::open_connection("127.0.0.1", serving.port());
        writer.write("STARTTLS\n");
        EXPECT_EQ(reader.readline(), "go ahead\n");
        writer.start_tls(client, "localhost");
        EXPECT_EQ(writer.get_extra_info("version"), "TLSv1.3");
        writer.write("secret\n");
        EXPECT_EQ(reader.readline(), "understood\n");
        EXPECT_EQ(reader.read(), "");
        writer.close();
        writer.wait_closed();
        serving.close();
        serving.wait_closed();
    });
}

}  // namespace
