// tls_context: from options to OpenSSL's context, and from that to connections.

#include "tls/channel.hpp"
#include "tls/openssl.hpp"
#include "tls/pem.hpp"
#include "tls/settings.hpp"

#include <brio/error.hpp>
#include <brio/tls.hpp>

#include <arpa/inet.h>
#include <array>
#include <limits>
#include <memory>
#include <openssl/x509v3.h>
#include <span>
#include <stdexcept>

namespace brio::inline v0 {
namespace detail {
namespace {

// ------------------------------------------------------------------------------------ options

void trust(SSL_CTX* context, const tls_options& options) {
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    const pem_source source{"ca", options.ca_file, options.ca_pem};
    require_one_at_most(source);
    if (source.given()) {
        for (const certificate_ptr& authority : certificates_of(source))
            require(X509_STORE_add_cert(store, authority.get()), source.described());
    }
    if (!options.ca_path.empty())
        require(SSL_CTX_load_verify_dir(context, options.ca_path.c_str()),
                "ca_path " + options.ca_path);
}

bool names_authorities(const tls_options& options) {
    return !options.ca_file.empty() || !options.ca_path.empty() || !options.ca_pem.empty();
}

void show(SSL_CTX* context, const tls_options& options) {
    const pem_source chain{"certificate", options.certificate_file, options.certificate_pem};
    const pem_source own_key{"private_key", options.private_key_file, options.private_key_pem};
    require_one_at_most(chain);
    require_one_at_most(own_key);
    if (!chain.given() && own_key.given())
        throw std::invalid_argument("tls_context: a private key without a certificate");
    if (!chain.given()) return;

    const std::vector<certificate_ptr> certificates = certificates_of(chain);
    require(SSL_CTX_use_certificate(context, certificates.front().get()), chain.described());
    for (const certificate_ptr& other : std::span(certificates).subspan(1))
        require(SSL_CTX_add1_chain_cert(context, other.get()), chain.described());

    const pem_source& source = own_key.given() ? own_key : chain;
    const key_ptr key = key_of(source, options.private_key_password);
    require(SSL_CTX_use_PrivateKey(context, key.get()),
            "the private key in " + source.described() + " for " + chain.described());
}

/// Each name behind a byte with its length.
std::string in_wire_form(const std::vector<std::string>& protocols) {
    std::string wire;
    for (const std::string& name : protocols) {
        if (name.empty() || name.size() > std::numeric_limits<unsigned char>::max())
            throw std::invalid_argument("tls_context: not an ALPN protocol: '" + name + "'");
        wire += static_cast<char>(name.size());
        wire += name;
    }
    return wire;
}

const unsigned char* bytes_of(const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

/// The server's first that the client has; without a common one there is none, as in Python.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void* own) {
    const auto& wanted = *static_cast<const std::string*>(own);
    unsigned char* found = nullptr;
    const int outcome =
        SSL_select_next_proto(&found, size, bytes_of(wanted), static_cast<unsigned>(wanted.size()),
                              offered, offered_size);
    *chosen = found;
    return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

void speak(tls_settings& settings, const tls_options& options) {
    SSL_CTX* const context = settings.context.get();
    SSL_CTX_set_min_proto_version(
        context, options.minimum_version == tls_version::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(
        context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);  // of connections that are idle
    // Needed for resumption where clients have certificates.
    require(SSL_CTX_set_session_id_context(context, bytes_of("brio"), 4), "tls_context");

    settings.alpn_protocols = in_wire_form(options.alpn_protocols);
    const std::string& alpn = settings.alpn_protocols;
    if (alpn.empty()) return;
    if (settings.is_server)
        SSL_CTX_set_alpn_select_cb(context, choose_protocol, &settings.alpn_protocols);
    else
        SSL_CTX_set_alpn_protos(context, bytes_of(alpn), static_cast<unsigned>(alpn.size()));
}

void require_positive(delay length, const char* name) {
    if (length.get() && *length.get() <= duration::zero())
        throw std::invalid_argument(std::string("tls_context: not a positive ") + name);
}

std::unique_ptr<tls_settings> make_settings(bool is_server, const tls_options& options) {
    require_positive(options.handshake_timeout, "handshake_timeout");
    require_positive(options.shutdown_timeout, "shutdown_timeout");
    auto made = std::make_unique<tls_settings>(tls_settings{
        .context = ssl_ctx_ptr(SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method())),
        .is_server = is_server,
        .verifies_peer = !options.dangerously_accept_any_certificate,
        .suppress_ragged_eofs = options.suppress_ragged_eofs,
        .handshake_timeout = options.handshake_timeout,
        .shutdown_timeout = options.shutdown_timeout,
        .alpn_protocols = {}});
    require(made->context != nullptr, "tls_context");
    speak(*made, options);
    trust(made->context.get(), options);
    show(made->context.get(), options);
    return made;
}

int verification_of_clients(client_certificates wanted) {
    if (wanted == client_certificates::ignored) return SSL_VERIFY_NONE;
    const bool required = wanted == client_certificates::required;
    return SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
}

// ------------------------------------------------------------------------------------ connections

/// A name that would match more than what it says is refused (Python: likewise).
void require_host_name(std::string_view host) {
    if (host.empty() || host.front() == '.' || host.find('\0') != std::string_view::npos)
        throw std::invalid_argument(
            "TLS needs the name of the host for which the peer's "
            "certificate must be (server_hostname), not '" +
            std::string(host) + "'");
}

void expect_host(SSL* ssl, const std::string& host, bool verified) {
    std::array<unsigned char, sizeof(in6_addr)> unused;
    const bool is_address = ::inet_pton(AF_INET, host.c_str(), unused.data()) == 1 ||
                            ::inet_pton(AF_INET6, host.c_str(), unused.data()) == 1;
    if (!is_address && !host.empty())
        require(SSL_set_tlsext_host_name(ssl, host.c_str()), "TLS to " + host);
    if (!verified) return;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    require(is_address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str())
                       : SSL_set1_host(ssl, host.c_str()),
            "TLS to " + host);
}

ssl_ptr make_ssl(const tls_settings& settings) {
    ssl_ptr ssl(SSL_new(settings.context.get()));
    bio_ptr received(BIO_new(BIO_s_mem()));
    bio_ptr made(BIO_new(BIO_s_mem()));
    if (ssl == nullptr || received == nullptr || made == nullptr) throw std::bad_alloc();
    SSL_set_bio(ssl.get(), received.release(), made.release());
    return ssl;
}

const tls_settings& settings_for(bool server, const tls_settings* settings) {
    if (settings == nullptr) throw usage_error("the tls_context was moved from");
    if (settings->is_server != server)
        throw usage_error(server ? "a server's connection needs a tls_context::server"
                                 : "a client's connection needs a tls_context::client");
    return *settings;
}

byte_channel* shaken(std::unique_ptr<byte_channel> below, const tls_settings& settings, ssl_ptr ssl,
                     std::string_view host) {
    auto made = std::make_unique<tls_channel>(std::move(below), settings, std::move(ssl), host);
    made->handshake();
    return made.release();
}

}  // namespace
}  // namespace detail

tls_context tls_context::client(const tls_options& options) {
    if (options.clients != client_certificates::ignored)
        throw std::invalid_argument("tls_context::client: clients is a server's option");
    const detail::openssl_call quiet;
    auto made = detail::make_settings(false, options);
    SSL_CTX* const context = made->context.get();
    if (!detail::names_authorities(options))
        detail::require(SSL_CTX_set_default_verify_paths(context), "the system's authorities");
    SSL_CTX_set_verify(context, made->verifies_peer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    return tls_context(made.release());
}

tls_context tls_context::server(const tls_options& options) {
    if (options.certificate_file.empty() && options.certificate_pem.empty())
        throw std::invalid_argument("tls_context::server: it needs a certificate");
    if (options.dangerously_accept_any_certificate)
        throw std::invalid_argument(
            "tls_context::server: dangerously_accept_any_certificate is a client's option");
    if (options.clients != client_certificates::ignored && !detail::names_authorities(options))
        throw std::invalid_argument(
            "tls_context::server: whose certificates may clients have? (ca_file)");
    const detail::openssl_call quiet;
    auto made = detail::make_settings(true, options);
    SSL_CTX_set_verify(made->context.get(), detail::verification_of_clients(options.clients),
                       nullptr);
    return tls_context(made.release());
}

tls_context::~tls_context() {
    delete settings_;
}

detail::byte_channel* tls_context::client(detail::byte_channel* owned,
                                          std::string_view server_hostname) const {
    std::unique_ptr<detail::byte_channel> below(owned);
    const auto& settings = detail::settings_for(false, settings_);
    if (settings.verifies_peer) detail::require_host_name(server_hostname);
    auto ssl = detail::make_ssl(settings);
    {
        const detail::openssl_call quiet;
        SSL_set_connect_state(ssl.get());
        detail::expect_host(ssl.get(), std::string(server_hostname), settings.verifies_peer);
    }
    return detail::shaken(std::move(below), settings, std::move(ssl), server_hostname);
}

detail::byte_channel* tls_context::server(detail::byte_channel* owned) const {
    std::unique_ptr<detail::byte_channel> below(owned);
    const auto& settings = detail::settings_for(true, settings_);
    auto ssl = detail::make_ssl(settings);
    SSL_set_accept_state(ssl.get());
    return detail::shaken(std::move(below), settings, std::move(ssl), {});
}

}  // namespace brio::inline v0
