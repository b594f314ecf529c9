#pragma once
// http and https addresses: as much of RFC 3986 as a crawler needs.

#include <optional>
#include <string>
#include <string_view>

namespace crawler {

/// One address, in the one form that all its spellings share: no fragment, no default port, no dot
/// segments, the host in lower case, escapes in upper case and only where they are needed.
struct url {
    std::string origin;  // "http://127.0.0.1:8080"
    std::string target;  // "/en/index.html?all"; begins with a slash

    [[nodiscard]] std::string text() const { return origin + target; }
};

/// None unless it is a whole http or https address.
[[nodiscard]] std::optional<url> parse_url(std::string_view text);

/// Where a link that stands in the page `base` leads to; none unless that is an http or https address.
[[nodiscard]] std::optional<url> resolve(const url& base, std::string_view reference);

/// "%41" becomes "A"; a "%" that begins no escape stays as it is.
[[nodiscard]] std::string unescape(std::string_view text);

}  // namespace crawler
