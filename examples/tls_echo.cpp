// An echo server over TLS, and a client that trusts its certificate and nobody else's.

#include <brio/brio.hpp>
#include <brio/subprocess.hpp>
#include <brio/tls.hpp>

#include <cstdio>
#include <string>

static void echo(brio::stream_reader reader, brio::stream_writer writer) {
    for (const std::string& line : reader) {
        writer.write(line);
        writer.drain();
    }
}

/// A private key and a certificate for localhost, good for a day.
static std::string self_signed() {
    auto openssl = brio::create_subprocess_exec(
        {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", "-", "-out", "-"},
        {.stdout = brio::subprocess::pipe, .stderr = brio::subprocess::devnull});
    return openssl.communicate().stdout;
}

int main() {
    brio::run([] {
        const std::string pem = self_signed();
        const auto server_tls =
            brio::tls_context::server({.certificate_pem = pem, .private_key_pem = pem});
        const auto client_tls = brio::tls_context::client({.ca_pem = pem});

        auto server = brio::start_server(echo, "127.0.0.1", 0, {.streams = {.tls = &server_tls}});
        auto [reader, writer] = brio::open_connection(
            "127.0.0.1", server.port(), {.tls = &client_tls, .server_hostname = "localhost"});
        writer.write("hello\n");
        std::printf("%s over %s\n", reader.readline().substr(0, 5).c_str(),
                    writer.get_extra_info("version").c_str());
        writer.close();
        writer.wait_closed();
        try {
            (void)brio::open_connection("127.0.0.1", server.port(),
                                        {.tls = &client_tls, .server_hostname = "example.org"});
        } catch (const brio::certificate_error& e) {
            std::printf("refused: %s\n", e.code().message().c_str());
        }
        server.close();
    });
}

// Prints:
//   hello over TLSv1.3
//   refused: hostname mismatch
