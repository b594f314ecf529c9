#pragma once
// Certificates that a test run makes for itself.

#include <chrono>
#include <memory>
#include <openssl/evp.h>
#include <string>

namespace brio::testing_tls {

/// A certificate and its private key, as PEM.
struct identity {
    std::string certificate;
    std::string key;
};

/// From when to when, seen from now.
struct validity {
    std::chrono::seconds from = -std::chrono::hours(1);
    std::chrono::seconds to = std::chrono::hours(1);
};

/// Who signs certificates: with its own key and under its own name.
class authority {
public:
    explicit authority(const std::string& name);
    /// `names` as OpenSSL writes subjectAltName: "DNS:localhost,IP:127.0.0.1".
    [[nodiscard]] identity issue(const std::string& names, validity when = {}) const;
    [[nodiscard]] const std::string& certificate() const { return certificate_; }

private:
    std::string name_;
    std::shared_ptr<EVP_PKEY> key_;
    std::string certificate_;
};

[[nodiscard]] identity self_signed(const std::string& names);

/// The private key, encrypted.
[[nodiscard]] std::string with_password(const std::string& key, const std::string& password);

}  // namespace brio::testing_tls
