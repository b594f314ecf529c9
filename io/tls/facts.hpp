#pragma once
// What a TLS connection knows about itself, for get_extra_info.

#include <openssl/ssl.h>
#include <optional>
#include <string>
#include <string_view>

namespace brio::inline v0::detail {

/// Empty text for what there is not (a certificate, a protocol); nothing for another name.
[[nodiscard]] std::optional<std::string> fact_of(const SSL* ssl, std::string_view name);

}  // namespace brio::inline v0::detail
