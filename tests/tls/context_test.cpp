// What a context is made of, and what it refuses to be made of.

#include "tls/connected.hpp"
#include "tls/files.hpp"

#include <functional>

namespace {

using namespace brio::testing_tls;
using brio::tls_context;
using brio::tls_options;

template <class Error>
std::string error_of(const std::function<void()>& make) {
    try {
        make();
    } catch (const Error& e) {
        return e.what();
    }
    return "no such error";
}
std::string refusal_of_client(const tls_options& options) {
    return error_of<std::invalid_argument>([&] { (void)tls_context::client(options); });
}
std::string refusal_of_server(const tls_options& options) {
    return error_of<std::invalid_argument>([&] { (void)tls_context::server(options); });
}

TEST(tls_context, reads_files) {
    const directory files;
    const std::string ca = files.write("ca.pem", our_authority().certificate());
    const std::string both = files.write("server.pem", our_server().certificate + our_server().key);
    brio::run([&] {
        const auto ends = connected(memory_pair(), tls_context::client({.ca_file = ca}),
                                    tls_context::server({.certificate_file = both}));
        EXPECT_EQ(ends.client->extra_info("version"), "TLSv1.3");
    });
}

TEST(tls_context, reads_a_directory_of_authorities) {
    const directory files;
    files.write("ca.pem", our_authority().certificate());
    ASSERT_EQ(std::system(("openssl rehash " + files.path("")).c_str()), 0);
    brio::run([&] {
        const auto ends = connected(memory_pair(), tls_context::client({.ca_path = files.path("")}),
                                    tls_context::server(server_options()));
        EXPECT_EQ(ends.client->extra_info("version"), "TLSv1.3");
    });
}

TEST(tls_context, trusts_each_of_several_authorities) {
    brio::run([] {
        tls_options options;
        options.ca_pem = authority("another").certificate() + our_authority().certificate();
        const auto ends = connected(memory_pair(), tls_context::client(options),
                                    tls_context::server(server_options()));
        EXPECT_EQ(ends.client->extra_info("version"), "TLSv1.3");
    });
}

TEST(tls_context, opens_a_key_with_its_password_and_asks_nobody_for_one) {
    auto options = server_options();
    options.private_key_pem = with_password(options.private_key_pem, "open sesame");
    options.private_key_password = "open sesame";
    EXPECT_NO_THROW((void)tls_context::server(options));
    for (const char* wrong : {"", "open barley"}) {
        options.private_key_password = wrong;
        EXPECT_THAT(error_of<brio::tls_error>([&] { (void)tls_context::server(options); }),
                    StartsWith("the private key in private_key_pem: "));
    }
}

TEST(tls_context, names_the_file_that_is_not_there) {
    try {
        (void)tls_context::client({.ca_file = "/nowhere/ca.pem"});
        FAIL() << "there is no such file";
    } catch (const brio::tls_error& e) {
        EXPECT_EQ(e.code(), std::errc::no_such_file_or_directory);
        EXPECT_STREQ(e.what(), "ca_file /nowhere/ca.pem: No such file or directory");
    }
    EXPECT_EQ(error_of<brio::tls_error>(
                  [] { (void)tls_context::server({.certificate_file = "/nowhere/server.pem"}); }),
              "certificate_file /nowhere/server.pem: No such file or directory");
}

TEST(tls_context, says_what_is_no_certificate_and_no_key) {
    EXPECT_EQ(refusal_of_client({.ca_pem = "nothing"}), "tls_context: no certificate in ca_pem");
    const std::string broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    EXPECT_THAT(error_of<brio::tls_error>([&] { (void)tls_context::client({.ca_pem = broken}); }),
                StartsWith("ca_pem: "));
    const auto without_key = [] {
        (void)tls_context::server({.certificate_pem = our_server().certificate});
    };
    EXPECT_THAT(error_of<brio::tls_error>(without_key),
                StartsWith("the private key in certificate_pem: "));
    auto other = server_options();
    other.private_key_pem = self_signed("DNS:localhost").key;
    EXPECT_EQ(error_of<brio::tls_error>([&] { (void)tls_context::server(other); }),
              "the private key in private_key_pem for certificate_pem: key values mismatch");
}

TEST(tls_context, refuses_options_that_contradict_one_another) {
    EXPECT_EQ(refusal_of_client({.ca_file = "a", .ca_pem = "b"}),
              "tls_context: both ca_file and ca_pem are given");
    EXPECT_EQ(refusal_of_client({.certificate_file = "a", .certificate_pem = "b"}),
              "tls_context: both certificate_file and certificate_pem are given");
    EXPECT_EQ(refusal_of_client({.private_key_file = "a", .private_key_pem = "b"}),
              "tls_context: both private_key_file and private_key_pem are given");
    EXPECT_EQ(refusal_of_client({.private_key_file = "a"}),
              "tls_context: a private key without a certificate");
    EXPECT_EQ(refusal_of_client({.clients = brio::client_certificates::required}),
              "tls_context::client: clients is a server's option");
    EXPECT_EQ(refusal_of_server({}), "tls_context::server: it needs a certificate");
    auto options = server_options();
    options.dangerously_accept_any_certificate = true;
    EXPECT_EQ(refusal_of_server(options),
              "tls_context::server: dangerously_accept_any_certificate is a client's option");
    options = server_options();
    options.clients = brio::client_certificates::optional;
    EXPECT_EQ(refusal_of_server(options),
              "tls_context::server: whose certificates may clients have? (ca_file)");
}

TEST(tls_context, refuses_values_that_mean_nothing) {
    EXPECT_EQ(refusal_of_client({.alpn_protocols = {"h2", ""}}),
              "tls_context: not an ALPN protocol: ''");
    EXPECT_EQ(refusal_of_client({.alpn_protocols = {std::string(256, 'x')}}),
              "tls_context: not an ALPN protocol: '" + std::string(256, 'x') + "'");
    EXPECT_EQ(refusal_of_client({.handshake_timeout = 0s}),
              "tls_context: not a positive handshake_timeout");
    EXPECT_EQ(refusal_of_client({.shutdown_timeout = -1s}),
              "tls_context: not a positive shutdown_timeout");
}

TEST(tls_context, may_be_moved_and_need_not_outlive_its_connections) {
    brio::run([] {
        auto ends = [] {
            auto client = tls_context::client(client_options());
            client = tls_context::client(client_options());
            const auto moved = std::move(client);
            return connected(memory_pair(), moved, tls_context::server(server_options()));
        }();
        write_all(*ends.client, "still here");
        EXPECT_EQ(read_exactly(*ends.server, 10), "still here");
        close_both(ends);
    });
}

}  // namespace
