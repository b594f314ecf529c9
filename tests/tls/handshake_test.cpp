// Who may speak to whom.

#include "tls/connected.hpp"

#include <brio/testing.hpp>

namespace {

using namespace brio::testing_tls;
using brio::tls_context;
using brio::tls_options;

TEST(tls_handshake, agrees_on_tls_1_3_and_tells_about_it) {
    brio::run([] {
        const auto ends = connected(memory_pair());
        EXPECT_EQ(ends.client->extra_info("version"), "TLSv1.3");
        EXPECT_EQ(ends.client->extra_info("cipher"), ends.server->extra_info("cipher"));
        EXPECT_THAT(ends.client->extra_info("cipher"), StartsWith("TLS_"));
        EXPECT_EQ(ends.client->extra_info("peercert"), "CN=brio test");
        EXPECT_EQ(ends.server->extra_info("peercert"), "");
        EXPECT_EQ(ends.client->extra_info("peername"), "memory");
        EXPECT_EQ(ends.client->extra_info("selected_alpn_protocol"), "");
        EXPECT_EQ(ends.client->extra_info("nothing of the kind"), "");
        EXPECT_EQ(ends.client->descriptor(), -1);
    });
}

TEST(tls_handshake, takes_an_address_for_a_host) {
    brio::run([] {
        for (const char* host : {"127.0.0.1", "::1"}) {
            const auto ends = connected(memory_pair(), tls_context::client(client_options()),
                                        tls_context::server(server_options()), host);
            EXPECT_EQ(ends.client->extra_info("version"), "TLSv1.3");
        }
    });
}

// What the client does not accept. The first text is the client's, the second what the server hears.
void expect_refusal(const identity& shown, std::string_view host, const std::string& client_says,
                    const std::string& server_says) {
    brio::run([&] {
        const auto words = refused(tls_context::client(client_options()),
                                   tls_context::server(server_options(shown)), host);
        EXPECT_EQ(words.client, "TLS handshake with " + std::string(host) + ": " + client_says);
        EXPECT_EQ(words.server, "TLS handshake with memory: " + server_says);
    });
}

TEST(tls_handshake, refuses_a_certificate_that_has_expired) {
    expect_refusal(our_authority().issue("DNS:localhost", {-2h, -1h}), "localhost",
                   "certificate has expired", "sslv3 alert certificate expired");
}
TEST(tls_handshake, refuses_a_certificate_that_is_not_yet_valid) {
    expect_refusal(our_authority().issue("DNS:localhost", {1h, 2h}), "localhost",
                   "certificate is not yet valid", "sslv3 alert bad certificate");
}
TEST(tls_handshake, refuses_a_self_signed_certificate) {
    expect_refusal(self_signed("DNS:localhost"), "localhost", "self-signed certificate",
                   "tlsv1 alert unknown ca");
}
TEST(tls_handshake, refuses_an_authority_that_nobody_knows) {
    expect_refusal(authority("a stranger").issue("DNS:localhost"), "localhost",
                   "unable to get local issuer certificate", "tlsv1 alert unknown ca");
}
TEST(tls_handshake, refuses_the_certificate_of_another_host) {
    expect_refusal(our_server(), "example.org", "hostname mismatch", "sslv3 alert bad certificate");
    expect_refusal(our_server(), "127.0.0.2", "IP address mismatch", "sslv3 alert bad certificate");
}
TEST(tls_handshake, takes_no_wildcard_for_a_part_of_a_label) {
    expect_refusal(our_authority().issue("DNS:lo*.example.org"), "local.example.org",
                   "hostname mismatch", "sslv3 alert bad certificate");
}
TEST(tls_handshake, trusts_the_systems_authorities_where_none_is_named) {
    brio::run([] {
        const auto words =
            refused(tls_context::client(), tls_context::server(server_options()), "localhost");
        EXPECT_THAT(words.client, HasSubstr("unable to get local issuer certificate"));
    });
}

TEST(tls_handshake, says_why_in_the_errors_type_and_code) {
    brio::run([] {
        auto below = memory_pair();
        auto server = tls_context::server(server_options());
        auto other = brio::create_task(
            [&] { EXPECT_THROW(as_server(server, std::move(below.server)), brio::tls_error); });
        try {
            as_client(tls_context::client(client_options()), std::move(below.client), "wrong.host");
            FAIL() << "it is another host's certificate";
        } catch (const brio::certificate_error& e) {
            EXPECT_EQ(e.code().message(), "hostname mismatch");
            EXPECT_EQ(e.code().value(), 62);  // X509_V_ERR_HOSTNAME_MISMATCH
            EXPECT_STREQ(e.code().category().name(), "certificate");
        }
        other.await();
    });
}

TEST(tls_handshake, accepts_anything_only_when_told_so_by_an_ugly_name) {
    brio::run([] {
        const auto client = tls_context::client({.dangerously_accept_any_certificate = true});
        const auto server = tls_context::server(server_options(self_signed("DNS:elsewhere")));
        for (const char* host : {"localhost", ""}) {
            const auto ends = connected(memory_pair(), client, server, host);
            EXPECT_EQ(ends.client->extra_info("version"), "TLSv1.3");
        }
    });
}

TEST(tls_handshake, refuses_host_names_that_no_certificate_can_have) {
    brio::run([] {
        const auto client = tls_context::client(client_options());
        const auto words = [&](std::string_view host) {
            return words_of([&] { return as_client(client, memory_pair().client, host); });
        };
        EXPECT_EQ(words(""),
                  "TLS needs the name of the host for which the peer's certificate must "
                  "be (server_hostname), not ''");
        const auto says_the_same = StartsWith("TLS needs the name of the host");
        EXPECT_THAT(words(".localhost"), says_the_same);
        EXPECT_THAT(words(std::string_view("localhost\0.example.org", 22)), says_the_same);
    });
}

TEST(tls_handshake, needs_the_context_of_its_side) {
    brio::run([] {
        auto client = tls_context::client(client_options());
        auto server = tls_context::server(server_options());
        const auto words_of_client = [](const tls_context& tls) {
            return words_of([&] { return as_client(tls, memory_pair().client); });
        };
        EXPECT_EQ(words_of([&] { return as_server(client, memory_pair().server); }),
                  "a server's connection needs a tls_context::server");
        EXPECT_EQ(words_of_client(server), "a client's connection needs a tls_context::client");
        const auto elsewhere = std::move(client);
        EXPECT_EQ(words_of_client(client), "the tls_context was moved from");
    });
}

TEST(tls_handshake, fails_against_a_peer_that_does_not_speak_tls) {
    brio::run([] {
        auto below = memory_pair();
        below.server->write("220 smtp.example.org\r\n");
        EXPECT_EQ(words_of([&] {
                      return as_client(tls_context::client(client_options()),
                                       std::move(below.client));
                  }),
                  "TLS handshake with localhost: wrong version number");
    });
}

TEST(tls_handshake, fails_when_the_peer_goes) {
    brio::run([] {
        auto below = memory_pair();
        below.server->write_eof();
        try {
            as_client(tls_context::client(client_options()), std::move(below.client));
            FAIL() << "there is no peer";
        } catch (const std::system_error& e) {
            EXPECT_EQ(e.code(), std::errc::connection_reset);
            EXPECT_THAT(e.what(), StartsWith("TLS handshake with localhost: "));
        }
    });
}

TEST(tls_handshake, is_not_done_because_somebody_says_goodbye) {
    brio::run([] {
        for (const bool is_server : {false, true}) {
            auto below = memory_pair();
            const std::string goodbye("\x15\x03\x03\x00\x02\x01\x00", 7);  // in the clear
            (is_server ? below.client : below.server)->write(goodbye);
            EXPECT_THROW(
                is_server
                    ? as_server(tls_context::server(server_options()), std::move(below.server))
                    : as_client(tls_context::client(client_options()), std::move(below.client)),
                std::system_error);
        }
    });
}

TEST(tls_handshake, ends_when_it_takes_too_long) {
    for (const bool is_server : {false, true}) {
        brio::testing::run([&] {
            auto below = memory_pair();
            const auto begin = brio::clock::now();
            try {
                if (is_server)
                    as_server(tls_context::server(server_options()), std::move(below.server));
                else
                    as_client(tls_context::client(client_options()), std::move(below.client));
                FAIL() << "the peer says nothing";
            } catch (const std::system_error& e) {
                EXPECT_EQ(e.code(), std::errc::connection_aborted);
                EXPECT_THAT(e.what(), HasSubstr(is_server ? "TLS handshake with memory took longer "
                                                            "than handshake_timeout"
                                                          : "TLS handshake with localhost took "
                                                            "longer than handshake_timeout"));
            }
            EXPECT_EQ(brio::clock::now() - begin, 60s);
        });
    }
}

TEST(tls_handshake, ends_also_where_a_cancel_may_not_be_delivered) {
    brio::testing::run([] {
        const brio::defer_cancel not_now;
        auto below = memory_pair();
        auto options = client_options();
        options.handshake_timeout = 5s;
        EXPECT_THROW(as_client(tls_context::client(options), std::move(below.client)),
                     std::system_error);
        EXPECT_EQ(brio::clock::now(), brio::time_point(5s));
    });
}

TEST(tls_handshake, waits_for_ever_when_there_is_no_limit) {
    brio::testing::run([] {
        auto below = memory_pair();
        auto options = client_options();
        options.handshake_timeout = std::nullopt;
        const auto begin = brio::clock::now();
        EXPECT_THROW(
            brio::timeout(
                24h, [&] { as_client(tls_context::client(options), std::move(below.client)); }),
            brio::timeout_error);
        EXPECT_EQ(brio::clock::now() - begin, 24h);
    });
}

// ---------------------------------------------------------------------------------------------- ALPN

std::string chosen(std::vector<std::string> of_client, std::vector<std::string> of_server) {
    return brio::run([&] {
        auto client = client_options();
        auto server = server_options();
        client.alpn_protocols = std::move(of_client);
        server.alpn_protocols = std::move(of_server);
        const auto ends =
            connected(memory_pair(), tls_context::client(client), tls_context::server(server));
        EXPECT_EQ(ends.client->extra_info("selected_alpn_protocol"),
                  ends.server->extra_info("selected_alpn_protocol"));
        return ends.client->extra_info("selected_alpn_protocol");
    });
}

TEST(tls_alpn, chooses_what_the_server_wants_most) {
    EXPECT_EQ(chosen({"http/1.1", "h2"}, {"h2", "http/1.1"}), "h2");
    EXPECT_EQ(chosen({"h2", "http/1.1"}, {"http/1.1"}), "http/1.1");
}
TEST(tls_alpn, connects_without_a_common_protocol_as_python_does) {
    EXPECT_EQ(chosen({"h2"}, {"http/1.1"}), "");
    EXPECT_EQ(chosen({"h2"}, {}), "");
    EXPECT_EQ(chosen({}, {"h2"}), "");
}

// -------------------------------------------------------------------------- certificates of clients

tls_options client_with(const identity& shown) {
    auto options = client_options();
    options.certificate_pem = shown.certificate;
    options.private_key_pem = shown.key;
    return options;
}
tls_options server_that_wants(brio::client_certificates wanted) {
    auto options = server_options();
    options.ca_pem = our_authority().certificate();
    options.clients = wanted;
    return options;
}

TEST(tls_client_certificates, are_shown_to_a_server_that_wants_them) {
    brio::run([] {
        const auto client = tls_context::client(client_with(our_authority().issue("DNS:client")));
        const auto required =
            tls_context::server(server_that_wants(brio::client_certificates::required));
        EXPECT_EQ(connected(memory_pair(), client, required).server->extra_info("peercert"),
                  "CN=brio test");
        // Again, to see whether a second connection of the same context is as good.
        EXPECT_EQ(connected(memory_pair(), client, required).server->extra_info("peercert"),
                  "CN=brio test");
    });
}
TEST(tls_client_certificates, may_be_missing_where_they_are_optional) {
    brio::run([] {
        const auto server =
            tls_context::server(server_that_wants(brio::client_certificates::optional));
        const auto nobody = tls_context::client(client_options());
        EXPECT_EQ(connected(memory_pair(), nobody, server).server->extra_info("peercert"), "");
    });
}
TEST(tls_client_certificates, are_missed_where_they_are_required) {
    brio::run([] {
        const auto words =
            refused(tls_context::client(client_options()),
                    tls_context::server(server_that_wants(brio::client_certificates::required)));
        EXPECT_EQ(words.server, "TLS handshake with memory: peer did not return a certificate");
        EXPECT_EQ(words.client, "TLS read from localhost: tlsv13 alert certificate required");
    });
}
TEST(tls_client_certificates, are_looked_at_where_they_are_optional) {
    brio::run([] {
        const auto expired = our_authority().issue("DNS:client", {-2h, -1h});
        for (const auto wanted :
             {brio::client_certificates::optional, brio::client_certificates::required}) {
            const auto words = refused(tls_context::client(client_with(expired)),
                                       tls_context::server(server_that_wants(wanted)));
            EXPECT_EQ(words.server, "TLS handshake with memory: certificate has expired");
            EXPECT_EQ(words.client, "TLS read from localhost: sslv3 alert certificate expired");
        }
    });
}

}  // namespace
