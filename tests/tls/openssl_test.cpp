// OpenSSL's own client and server as peers.

#include "tls/connected.hpp"
#include "tls/files.hpp"
#include "tls/process.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace {

using namespace brio::testing_tls;
using brio::tls_context;
using brio::io::descriptor;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

std::unique_ptr<byte_channel> connect_to(std::uint16_t port) {
    descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(port);
    const int status = brio::detail::ops::connect(
        fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    EXPECT_EQ(status, 0);
    return std::make_unique<socket_channel>(std::move(fd));
}

class listener {
public:
    listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address = loopback(0);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(fd_.get(), 8), 0);
        ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
    }
    std::unique_ptr<byte_channel> accept() {
        const int fd = brio::detail::ops::accept(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC);
        EXPECT_GE(fd, 0);
        return std::make_unique<socket_channel>(descriptor(fd));
    }
    [[nodiscard]] std::string name() const { return "127.0.0.1:" + std::to_string(port_); }

private:
    descriptor fd_;
    std::uint16_t port_ = 0;
};

// ------------------------------------------------------------------------------------------ s_client

std::vector<std::string> s_client(const listener& server, const directory& files,
                                  std::initializer_list<std::string> more = {}) {
    std::vector<std::string> words = {
        "openssl",          "s_client",  "-connect",
        server.name(),      "-CAfile",   files.write("ca.pem", our_authority().certificate()),
        "-servername",      "localhost", "-quiet",
        "-verify_hostname", "localhost", "-verify_return_error"};
    words.insert(words.end(), more);
    return words;
}

TEST(tls_openssl_client, talks_to_our_server) {
    for (const std::string version : {"-tls1_2", "-tls1_3"}) {
        brio::run([&] {
            const directory files;
            listener here;
            process client(s_client(here, files, {version, "-alpn", "h2,http/1.1"}));
            auto options = server_options();
            options.alpn_protocols = {"http/1.1"};
            const auto channel = as_server(tls_context::server(options), here.accept());
            EXPECT_EQ(channel->extra_info("selected_alpn_protocol"), "http/1.1");
            EXPECT_EQ(channel->extra_info("version"), version == "-tls1_2" ? "TLSv1.2" : "TLSv1.3");
            client.write("hello\n");
            EXPECT_EQ(read_exactly(*channel, 6), "hello\n");
            write_all(*channel, "good day\n");
            channel->close();
            const auto [printed, status] = client.wait();
            EXPECT_THAT(printed, HasSubstr("good day\n"));
            EXPECT_EQ(status, 0);
        });
    }
}

TEST(tls_openssl_client, sends_and_gets_a_lot) {
    brio::run([] {
        const directory files;
        listener here;
        process client(s_client(here, files));
        const auto channel = as_server(tls_context::server(server_options()), here.accept());
        const std::string text = much_text(2 << 20);
        auto up = brio::create_task([&] { client.write(text); });
        auto down = brio::create_task([&] { write_all(*channel, text + "end of text"); });
        auto printed = brio::create_task([&] { return client.read_until("end of text"); });
        EXPECT_TRUE(read_exactly(*channel, text.size()) == text);
        up.await();
        down.await();
        EXPECT_THAT(printed.await().size(), ::testing::Ge(text.size()));
        channel->close();
    });
}

TEST(tls_openssl_client, refuses_our_server_when_its_certificate_has_expired) {
    brio::run([] {
        const directory files;
        listener here;
        process client(s_client(here, files));
        const auto tls =
            tls_context::server(server_options(our_authority().issue("DNS:localhost", {-2h, -1h})));
        try {
            as_server(tls, here.accept());
            FAIL() << "the certificate has expired";
        } catch (const brio::tls_error& e) {
            EXPECT_STREQ(e.what(), "TLS handshake with socket: sslv3 alert certificate expired");
        }
        EXPECT_THAT(client.read_until("certificate has expired"),
                    HasSubstr("certificate has expired"));
        EXPECT_NE(client.wait().second, 0);
    });
}

TEST(tls_openssl_client, shows_its_certificate) {
    brio::run([] {
        const directory files;
        listener here;
        const auto own = our_authority().issue("DNS:client");
        process client(s_client(here, files,
                                {"-cert", files.write("own.pem", own.certificate), "-key",
                                 files.write("own.key", own.key)}));
        auto options = server_options();
        options.ca_pem = our_authority().certificate();
        options.clients = brio::client_certificates::required;
        const auto channel = as_server(tls_context::server(options), here.accept());
        EXPECT_EQ(channel->extra_info("peercert"), "CN=brio test");
        channel->close();
        EXPECT_EQ(client.wait().second, 0);
    });
}

// ------------------------------------------------------------------------------------------ s_server

/// `openssl s_server`, which sends each line back the other way round.
class s_server {
public:
    explicit s_server(std::vector<std::string> more = {}, const identity& shown = our_server())
        : process_(words(std::move(more), shown)) {}
    std::uint16_t port() {
        const std::string& printed = process_.read_until("ACCEPT 127.0.0.1:");
        const auto at = printed.find("ACCEPT 127.0.0.1:");
        if (at == printed.npos) throw std::runtime_error("s_server: " + printed);
        process_.read_until("\n");
        return static_cast<std::uint16_t>(std::stoi(printed.substr(at + 17)));
    }

private:
    std::vector<std::string> words(std::vector<std::string> more, const identity& shown) {
        std::vector<std::string> all = {"openssl",
                                        "s_server",
                                        "-accept",
                                        "127.0.0.1:0",
                                        "-rev",
                                        "-cert",
                                        files_.write("server.pem", shown.certificate),
                                        "-key",
                                        files_.write("server.key", shown.key),
                                        "-CAfile",
                                        files_.write("ca.pem", our_authority().certificate())};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    directory files_;
    process process_;
};

TEST(tls_openssl_server, talks_to_our_client) {
    for (const std::string version : {"-tls1_2", "-tls1_3"}) {
        brio::run([&] {
            s_server peer({version, "-alpn", "h2"});
            auto options = client_options();
            options.alpn_protocols = {"http/1.1", "h2"};
            const auto channel = as_client(tls_context::client(options), connect_to(peer.port()));
            EXPECT_EQ(channel->extra_info("selected_alpn_protocol"), "h2");
            write_all(*channel, "hello\n");
            EXPECT_EQ(read_exactly(*channel, 6), "olleh\n");
            channel->close();
        });
    }
}

TEST(tls_openssl_server, is_refused_where_its_certificate_is_for_another_host) {
    brio::run([] {
        s_server peer({}, our_authority().issue("DNS:example.org"));
        try {
            as_client(tls_context::client(client_options()), connect_to(peer.port()));
            FAIL() << "it is not localhost's";
        } catch (const brio::certificate_error& e) {
            EXPECT_STREQ(e.what(), "TLS handshake with localhost: hostname mismatch");
        }
    });
}

TEST(tls_openssl_server, is_refused_where_its_version_is_too_old) {
    brio::run([] {
        s_server peer({"-tls1_2"});
        auto options = client_options();
        options.minimum_version = brio::tls_version::tls_1_3;
        EXPECT_EQ(words_of([&] {
                      return as_client(tls_context::client(options), connect_to(peer.port()));
                  }),
                  "TLS handshake with localhost: tlsv1 alert protocol version");
    });
}

TEST(tls_openssl_server, that_wants_a_certificate_gets_ours) {
    brio::run([] {
        s_server peer({"-Verify", "1", "-verify_return_error"});
        const auto own = our_authority().issue("DNS:client");
        auto options = client_options();
        options.certificate_pem = own.certificate;
        options.private_key_pem = own.key;
        const std::uint16_t port = peer.port();
        const auto channel = as_client(tls_context::client(options), connect_to(port));
        write_all(*channel, "hello\n");
        EXPECT_EQ(read_exactly(*channel, 6), "olleh\n");
        channel->close();
        EXPECT_EQ(words_of([&] {
                      return as_client(tls_context::client(client_options()), connect_to(port));
                  }),
                  "TLS read from localhost: tlsv13 alert certificate required");
    });
}

}  // namespace
