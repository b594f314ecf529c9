#include "fetch.hpp"

#include <cstddef>
#include <memory>
#include <new>

namespace crawler {
namespace {

/// C frames lie below: nothing may be thrown through them, so to run out of memory ends the program.
std::size_t append(char* data, std::size_t, std::size_t size, void* to) noexcept {
    static_cast<std::string*>(to)->append(data, size);
    return size;
}

std::string text_or_nothing(const char* text) {
    return text == nullptr ? "" : text;
}

}  // namespace

response fetch(const std::string& address) {
    const std::unique_ptr<CURL, void (*)(CURL*)> owner(curl_easy_init(), curl_easy_cleanup);
    CURL* const curl = owner.get();
    if (curl == nullptr) throw std::bad_alloc();

    response result;
    char error[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(curl, CURLOPT_URL, address.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "brio-crawl");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);  // signals belong to the process, not to a fetch
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &result.body);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);

    result.code = curl_easy_perform(curl);

    if (result.code != CURLE_OK)
        result.error = error[0] != '\0' ? error : curl_easy_strerror(result.code);
    const char* content_type = nullptr;
    const char* redirect = nullptr;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &result.status);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &content_type);
    curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &redirect);
    result.content_type = text_or_nothing(content_type);
    result.redirect = text_or_nothing(redirect);
    return result;
}

}  // namespace crawler
