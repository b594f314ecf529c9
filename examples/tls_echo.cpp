// A TLS server and its client in one process. The certificate is made for this run, so the client is
// told whom to trust; for one from a public authority tls_context::client() is enough.

#include <brio/brio.hpp>
#include <brio/tls.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

void make_certificate(const std::string& certificate, const std::string& key) {
    const std::string command =
        "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost"
        " -addext subjectAltName=DNS:localhost -out " +
        certificate + " -keyout " + key + " 2>/dev/null";
    if (std::system(command.c_str()) != 0) throw std::runtime_error(command);
}

void echo(brio::stream_reader reader, brio::stream_writer writer) {
    for (const std::string& line : reader) {
        writer.write(line);
        writer.drain();
    }
}

int main() {
    char directory[] = "/tmp/tls_echo-XXXXXX";
    if (mkdtemp(directory) == nullptr) return 1;
    const std::string certificate = std::string(directory) + "/certificate.pem";
    const std::string key = std::string(directory) + "/key.pem";
    make_certificate(certificate, key);
    const auto server_tls =
        brio::tls_context::server({.certificate_file = certificate, .private_key_file = key});
    const auto client_tls = brio::tls_context::client({.ca_file = certificate});
    std::filesystem::remove_all(directory);

    brio::run([&] {
        auto server = brio::start_server(echo, "localhost", 0, {.streams = {.tls = &server_tls}});
        auto [reader, writer] =
            brio::open_connection("localhost", server.port(), {.tls = &client_tls});
        std::printf("%s\n", writer.get_extra_info("version").c_str());
        writer.write("hello\n");
        std::printf("echo: %s", reader.readline().c_str());
        writer.close();
        writer.wait_closed();
        server.close();
        server.wait_closed();
    });
}

// Prints:
//   TLSv1.3
//   echo: hello
