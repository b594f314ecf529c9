#pragma once
// One page by libcurl's plain, blocking interface. Nothing here knows of fibers.

#include <curl/curl.h>
#include <string>

namespace crawler {

struct response {
    CURLcode code = CURLE_OK;
    std::string error;  // curl's words; empty when code is CURLE_OK
    long status = 0;    // 200, 404, ...; 0 when no answer came
    std::string content_type;
    std::string redirect;  // where a 3xx points to; empty otherwise
    std::string body;
};

/// Returns when the whole page has arrived, or curl has given up. Redirects are not followed.
[[nodiscard]] response fetch(const std::string& address);

}  // namespace crawler
