#include "tls/facts.hpp"

#include "tls/openssl.hpp"

#include <new>

namespace brio::inline v0::detail {

namespace {

std::string text_of_subject(const SSL* ssl) {
    const X509* const certificate = SSL_get0_peer_certificate(ssl);
    if (certificate == nullptr) return {};
    const bio_ptr text(BIO_new(BIO_s_mem()));
    if (text == nullptr) throw std::bad_alloc();
    X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0,
                       XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    char* begin = nullptr;
    const long size = BIO_get_mem_data(text.get(), &begin);
    return {begin, static_cast<std::size_t>(size)};
}

std::string selected_protocol(const SSL* ssl) {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

}  // namespace

std::optional<std::string> fact_of(const SSL* ssl, std::string_view name) {
    const openssl_call quiet;
    if (name == "version") return SSL_get_version(ssl);
    if (name == "cipher") return SSL_get_cipher_name(ssl);
    if (name == "peercert") return text_of_subject(ssl);
    if (name == "selected_alpn_protocol") return selected_protocol(ssl);
    return std::nullopt;
}

}  // namespace brio::inline v0::detail
