#pragma once
// OpenSSL's conventions, met in one place: owners, and the error queue.
//
// 1. The error queue belongs to the thread, so to all of its fibers: every call, or row of calls,
//    stands in an openssl_call, which begins with an empty queue; take_error empties it again. No
//    fiber suspends in between.
// 2. OpenSSL may open files in a call (ca_path). Under brio::posix that could suspend the fiber:
//    in an openssl_call libc's own functions are used.

#include "fiber/fiber.hpp"

#include <memory>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string>
#include <system_error>

namespace brio::inline v0::detail {

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* what) const noexcept {
        Free(what);
    }
};
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free_all>>;
using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using ssl_ptr = std::unique_ptr<SSL, freed_by<SSL_free>>;
using ssl_ctx_ptr = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;

class openssl_call {
public:
    openssl_call() noexcept;
    openssl_call(const openssl_call&) = delete;
    openssl_call& operator=(const openssl_call&) = delete;
    ~openssl_call();

private:
    fiber* const fiber_;
    bool passthrough_before_ = false;
};

/// The first error of the queue, which is emptied: the others follow from it. errno where a system
/// call failed, X509_V_ERR_* where the peer's certificate was refused on `ssl`.
[[nodiscard]] std::error_code take_error(const SSL* ssl = nullptr) noexcept;
/// tls_error, or certificate_error.
[[noreturn]] void throw_tls_error(std::error_code error, const std::string& what);
/// Throws take_error() unless a call has succeeded: its result is above 0.
inline void require(long result, const std::string& what) {
    if (result <= 0) throw_tls_error(take_error(), what);
}

}  // namespace brio::inline v0::detail
