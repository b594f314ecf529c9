#pragma once
// Certificates and keys as PEM, from a file or from text.

#include "tls/openssl.hpp"

#include <string>
#include <vector>

namespace brio::inline v0::detail {

/// Two options that mean the same thing. Borrows them.
struct pem_source {
    const char* name;
    const std::string& file;
    const std::string& text;

    [[nodiscard]] bool given() const noexcept { return !file.empty() || !text.empty(); }
    /// For errors: which option it is, and the file.
    [[nodiscard]] std::string described() const;
};

void require_one_at_most(const pem_source& source);
/// At least one, in their order. std::invalid_argument where there is none.
[[nodiscard]] std::vector<certificate_ptr> certificates_of(const pem_source& source);
[[nodiscard]] key_ptr key_of(const pem_source& source, const std::string& password);

}  // namespace brio::inline v0::detail
