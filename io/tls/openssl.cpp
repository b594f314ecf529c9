#include "tls/openssl.hpp"

#include "scheduler/scheduler.hpp"

#include <brio/tls.hpp>

#include <openssl/err.h>
#include <utility>

namespace brio::inline v0::detail {

namespace {

class tls_category final : public std::error_category {
    const char* name() const noexcept override { return "tls"; }
    std::string message(int code) const override {
        const char* const reason = ERR_reason_error_string(static_cast<unsigned long>(code));
        return reason != nullptr ? reason : "OpenSSL gives no reason";
    }
};
class certificate_category final : public std::error_category {
    const char* name() const noexcept override { return "certificate"; }
    std::string message(int verdict) const override {
        return X509_verify_cert_error_string(verdict);
    }
};
const tls_category the_tls_category;
const certificate_category the_certificate_category;

}  // namespace

openssl_call::openssl_call() noexcept : fiber_(this_fiber()) {
    if (fiber_ != nullptr) passthrough_before_ = std::exchange(fiber_->passthrough, true);
    ERR_clear_error();
}

openssl_call::~openssl_call() {
    if (fiber_ != nullptr) fiber_->passthrough = passthrough_before_;
}

std::error_code take_error(const SSL* ssl) noexcept {
    const unsigned long first = ERR_get_error();
    ERR_clear_error();
    if (ERR_SYSTEM_ERROR(first)) return {ERR_GET_REASON(first), std::system_category()};
    if (ssl != nullptr && ERR_GET_LIB(first) == ERR_LIB_SSL &&
        ERR_GET_REASON(first) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return {static_cast<int>(SSL_get_verify_result(ssl)), the_certificate_category};
    return {static_cast<int>(first), the_tls_category};
}

void throw_tls_error(std::error_code error, const std::string& what) {
    if (error.category() == the_certificate_category) throw certificate_error(error, what);
    throw tls_error(error, what);
}

}  // namespace brio::inline v0::detail
