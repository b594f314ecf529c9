#pragma once
// TLS by OpenSSL 3: Python's ssl.SSLContext, for the streams' `tls` option and start_tls. Link
// brio::tls, which is there when Brio was built with OpenSSL.
//
//   const auto tls = brio::tls_context::client();
//   auto [reader, writer] = brio::open_connection("example.org", 443, {.tls = &tls});
//
// A client accepts only a certificate that the system trusts, that is valid today and that names the
// host; TLS 1.2 at least.
//
// How a TLS stream ends:
// - close() says goodbye (close_notify) and waits for the peer's, at most shutdown_timeout. What the
//   peer still sends meanwhile is dropped and ends the wait.
// - A peer that ends without a goodbye has ended, as in asyncio: an attacker can cut a connection
//   like that, so a protocol whose messages do not tell their length wants suppress_ragged_eofs off.
// - write_eof() is there in TLS 1.3 alone, which lets the peer go on sending. (asyncio: never.)
//
// get_extra_info knows "version" ("TLSv1.3"), "cipher", "peercert" (the subject, "" when the peer
// showed none), "selected_alpn_protocol", and what the connection below knows.

#include <brio/detail/byte_channel.hpp>
#include <brio/time.hpp>
#include <brio/version.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace brio::inline v0 {

namespace detail {
struct tls_settings;
}

/// ssl.SSLError: a handshake that failed, a peer that breaks the protocol or says so, a file that is
/// no certificate. what() names call and peer; code().message() is OpenSSL's reason.
class tls_error : public std::system_error {
    using std::system_error::system_error;
};
/// ssl.SSLCertVerificationError: the peer's certificate was refused. code().message() says why
/// ("certificate has expired", "hostname mismatch"); code().value() is OpenSSL's X509_V_ERR number.
class certificate_error : public tls_error {
    using tls_error::tls_error;
};

enum class tls_version { tls_1_2, tls_1_3 };
/// ssl.CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED of a server.
enum class client_certificates { ignored, optional, required };

/// Text and files are PEM. Of a _file and a _pem that mean the same thing give one.
struct tls_options {
    // ---- whom to trust; all three count. With none of them a client trusts whom the system trusts.
    std::string ca_file = {};
    std::string ca_path = {};  // a directory made by `openssl rehash`
    std::string ca_pem = {};

    // ---- who this end is: a server must, a client may have a certificate
    std::string certificate_file = {};  // its own first, then those that lead to the authority
    std::string certificate_pem = {};
    std::string private_key_file = {};  // without either: the key is where the certificate is
    std::string private_key_pem = {};
    std::string private_key_password = {};

    std::vector<std::string> alpn_protocols = {};  // "h2", "http/1.1"; the most wanted first
    tls_version minimum_version = tls_version::tls_1_2;

    /// Of a server. Only the authorities above are trusted then, never the system's.
    client_certificates clients = client_certificates::ignored;

    /// asyncio's ssl_handshake_timeout and ssl_shutdown_timeout, on the loop's clock; none: no limit.
    delay handshake_timeout = std::chrono::seconds(60);
    delay shutdown_timeout = std::chrono::seconds(30);

    /// false: an end without a goodbye makes a read throw tls_error.
    bool suppress_ragged_eofs = true;

    /// Of a client: talks to whoever answers, which protects from nobody who can reach the network.
    /// For tests; else name the peer's authority in ca_file. (Python: verify_mode = CERT_NONE.)
    bool dangerously_accept_any_certificate = false;
};

/// ssl.SSLContext. Move-only. Does not change once it is made: any number of connections, on the
/// loops of any threads, may use one at once. Connections that are made do not need it any more.
class tls_context final : public detail::channel_layer {
public:
    /// ssl.create_default_context() for a client. Reads files: blocks, so make it before there is
    /// something to hold up. Throws tls_error for what cannot be read or parsed, the code of a file
    /// that is not there being errno; std::invalid_argument for options that contradict one another.
    [[nodiscard]] static tls_context client(const tls_options& options = {});
    /// Likewise for a server, which needs a certificate.
    [[nodiscard]] static tls_context server(const tls_options& options);

    tls_context(tls_context&& other) noexcept
        : settings_(std::exchange(other.settings_, nullptr)) {}
    tls_context& operator=(tls_context&& other) noexcept {
        std::swap(settings_, other.settings_);
        return *this;
    }
    ~tls_context();

private:
    explicit tls_context(detail::tls_settings* owned) noexcept : settings_(owned) {}

    // Called by streams. usage_error for the other side's context, and for one that was moved from;
    // std::invalid_argument for a host name that no certificate can have; tls_error and
    // certificate_error for a handshake that failed; std::system_error (ECONNRESET) when the peer
    // went, (ECONNABORTED) when it took too long.
    [[nodiscard]] detail::byte_channel* client(detail::byte_channel* owned,
                                               std::string_view server_hostname) const override;
    [[nodiscard]] detail::byte_channel* server(detail::byte_channel* owned) const override;

    detail::tls_settings* settings_;
};

}  // namespace brio::inline v0
