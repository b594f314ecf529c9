#include "tls/certificates.hpp"

#include <atomic>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdexcept>

namespace brio::testing_tls {

namespace {

using key_ptr = std::shared_ptr<EVP_PKEY>;
using certificate_ptr = std::shared_ptr<X509>;
using bio_ptr = std::shared_ptr<BIO>;

key_ptr make_key() {
    return {EVP_EC_gen("P-256"), EVP_PKEY_free};
}

void set_name(X509_NAME* name, const std::string& text) {
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0);
}

void add_extension(X509* certificate, int what, const std::string& value) {
    const std::shared_ptr<X509_EXTENSION> made(
        X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str()), X509_EXTENSION_free);
    if (made == nullptr) throw std::invalid_argument(value);
    X509_add_ext(certificate, made.get(), -1);
}

certificate_ptr make_certificate(const std::string& subject, const std::string& issuer,
                                 validity when, EVP_PKEY* key) {
    static std::atomic<long> serial{0};
    const certificate_ptr made(X509_new(), X509_free);
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
    set_name(X509_get_subject_name(made.get()), subject);
    set_name(X509_get_issuer_name(made.get()), issuer);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), when.from.count());
    X509_gmtime_adj(X509_getm_notAfter(made.get()), when.to.count());
    X509_set_pubkey(made.get(), key);
    return made;
}

template <class Write>
std::string as_pem(Write write) {
    const bio_ptr memory(BIO_new(BIO_s_mem()), BIO_free);
    write(memory.get());
    char* begin = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &begin);
    return {begin, static_cast<std::size_t>(size)};
}

std::string signed_by(EVP_PKEY* signer, X509* certificate) {
    X509_sign(certificate, signer, EVP_sha256());
    return as_pem([&](BIO* to) { PEM_write_bio_X509(to, certificate); });
}

std::string text_of(EVP_PKEY* key) {
    return as_pem(
        [&](BIO* to) { PEM_write_bio_PrivateKey(to, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

identity make_identity(const std::string& names, validity when, const std::string& issuer,
                       const key_ptr& key, EVP_PKEY* signer) {
    const auto certificate = make_certificate("brio test", issuer, when, key.get());
    add_extension(certificate.get(), NID_subject_alt_name, names);
    return {signed_by(signer, certificate.get()), text_of(key.get())};
}

}  // namespace

authority::authority(const std::string& name) : name_(name), key_(make_key()) {
    const auto own = make_certificate(name, name, {}, key_.get());
    add_extension(own.get(), NID_basic_constraints, "critical,CA:TRUE");
    certificate_ = signed_by(key_.get(), own.get());
}

identity authority::issue(const std::string& names, validity when) const {
    return make_identity(names, when, name_, make_key(), key_.get());
}

identity self_signed(const std::string& names) {
    const key_ptr key = make_key();
    return make_identity(names, {}, "brio test", key, key.get());
}

std::string with_password(const std::string& key, const std::string& password) {
    const bio_ptr from(BIO_new_mem_buf(key.data(), static_cast<int>(key.size())), BIO_free);
    const key_ptr read(PEM_read_bio_PrivateKey(from.get(), nullptr, nullptr, nullptr),
                       EVP_PKEY_free);
    return as_pem([&](BIO* to) {
        PEM_write_bio_PKCS8PrivateKey(to, read.get(), EVP_aes_128_cbc(), password.data(),
                                      static_cast<int>(password.size()), nullptr, nullptr);
    });
}

}  // namespace brio::testing_tls
