#include "tls/pem.hpp"

#include <algorithm>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdexcept>

namespace brio::inline v0::detail {

namespace {

bio_ptr open(const pem_source& source) {
    bio_ptr opened(source.file.empty()
                       ? BIO_new_mem_buf(source.text.data(), static_cast<int>(source.text.size()))
                       : BIO_new_file(source.file.c_str(), "r"));
    require(opened != nullptr, source.described());
    return opened;
}

/// Null when there are no more.
certificate_ptr next_certificate(BIO* from, const pem_source& source) {
    certificate_ptr found(PEM_read_bio_X509(from, nullptr, nullptr, nullptr));
    if (found != nullptr) return found;
    require(ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE, source.described());
    ERR_clear_error();
    return nullptr;
}

/// For OpenSSL, which would else ask at the terminal.
int give_password(char* to, int room, int, void* password) {
    const auto& text = *static_cast<const std::string*>(password);
    const auto size = std::min(text.size(), static_cast<std::size_t>(room));
    std::copy_n(text.data(), size, to);
    return static_cast<int>(size);
}

}  // namespace

std::string pem_source::described() const {
    return std::string(name) + (file.empty() ? "_pem" : "_file " + file);
}

void require_one_at_most(const pem_source& source) {
    if (source.file.empty() || source.text.empty()) return;
    const std::string name = source.name;
    throw std::invalid_argument("tls_context: both " + name + "_file and " + name +
                                "_pem are given");
}

std::vector<certificate_ptr> certificates_of(const pem_source& source) {
    const bio_ptr from = open(source);
    std::vector<certificate_ptr> found;
    while (auto next = next_certificate(from.get(), source)) found.push_back(std::move(next));
    if (!found.empty()) return found;
    throw std::invalid_argument("tls_context: no certificate in " + source.described());
}

key_ptr key_of(const pem_source& source, const std::string& password) {
    key_ptr found(PEM_read_bio_PrivateKey(open(source).get(), nullptr, give_password,
                                          const_cast<std::string*>(&password)));
    require(found != nullptr, "the private key in " + source.described());
    return found;
}

}  // namespace brio::inline v0::detail
