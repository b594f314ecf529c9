// libcurl's plain, blocking call, many at once on one thread. fetch() knows nothing of fibers.

#include "ticking.hpp"

#include <brio/brio.hpp>
#include <brio/posix.hpp>

#include <chrono>
#include <cstdio>
#include <curl/curl.h>
#include <memory>
#include <string>
#include <vector>

static std::size_t append(char* data, std::size_t, std::size_t size, void* to) noexcept {
    static_cast<std::string*>(to)->append(data, size);
    return size;
}
static std::string fetch(const std::string& url) {
    std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
    std::string body;
    curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
    const CURLcode code = curl_easy_perform(curl.get());
    return code == CURLE_OK ? body : std::string(curl_easy_strerror(code)) + "\n";
}

int main(int argc, char** argv) {
    brio::posix::require();
    brio::run([&] {
        const ticking ticks;
        std::vector<brio::task<std::string>> pages;
        for (int i = 1; i < argc; ++i)
            pages.push_back(brio::create_task([url = argv[i]] { return fetch(url); }));
        for (const std::string& page : brio::gather(pages).await())
            std::fputs(page.c_str(), stdout);
        std::printf("%d pages; the largest gap between ticks was %.1f ms\n", argc - 1,
                    ticks.largest_gap());
    });
}
