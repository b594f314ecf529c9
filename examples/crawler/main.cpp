// crawl: unmodified libcurl fetches a whole site on fibers, 256 pages at a time, one thread.
//
// The site is served by this program too, on the same thread and loop. To see how little either side
// knows of that: fetch.cpp for the client, server.cpp for the server, crawl.cpp for what joins them.

#include "crawl.hpp"
#include "options.hpp"
#include "report.hpp"
#include "server.hpp"

#include <brio/brio.hpp>
#include <brio/posix.hpp>

#include <cstdio>
#include <cstdlib>
#include <curl/curl.h>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/resource.h>

namespace crawler {
namespace {

constexpr std::size_t measured_one_by_one = 40;

/// A directory, and the page to start from.
struct site {
    std::string root;
    std::string first_page;
};

/// The C++ reference, where its Debian package has put it.
site cpp_reference() {
    constexpr std::string_view first_page = "/en/index.html";
    const std::unique_ptr<FILE, int (*)(FILE*)> files(
        ::popen("dpkg -L cppreference-doc-en-html 2>/dev/null", "r"), ::pclose);
    char line[4096];
    while (files != nullptr && std::fgets(line, sizeof line, files.get()) != nullptr) {
        std::string_view path = line;
        path = path.substr(0, path.find('\n'));
        if (!path.ends_with(first_page)) continue;
        path.remove_suffix(first_page.size());
        return {std::string(path), std::string(first_page)};
    }
    throw std::runtime_error(
        "the Debian package cppreference-doc-en-html is not installed: install "
        "it, or say --site DIR, or which URL to crawl");
}

/// A fetch needs three descriptors, its connection in the server two.
void allow_many_descriptors() {
    rlimit files = {};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
}

/// Returns whether all was well. When it is cancelled it still reports.
bool crawl_and_report(const std::vector<url>& start, const limits& l) {
    limits one_by_one = l;
    one_by_one.in_flight = 1;
    one_by_one.fetches = measured_one_by_one;
    crawl first(start, one_by_one);
    crawl whole(start, l);
    try {
        {
            const progress line("one after another", first.so_far());
            first.run();
        }
        const progress line("crawling", whole.so_far());
        whole.run();
    } catch (const brio::cancelled_error&) {
        std::printf("\nstopped early\n");
        const bool had_begun = whole.so_far().began.has_value();
        print_report(had_begun ? whole.so_far() : first.so_far(), first.so_far());
        throw;
    }
    print_report(whole.so_far(), first.so_far());
    return whole.so_far().failures.empty() && whole.so_far().pages > 0;
}

bool crawl_own_site(const site& s, const options& o) {
    const file_server server(s.root, o.latency);
    const std::string origin = "http://127.0.0.1:" + std::to_string(server.port());
    std::printf("serving %s on %s\n", s.root.c_str(), origin.c_str());
    if (o.serve_only) server.run();

    bool well = false;
    brio::task_group([&](brio::task_group_scope& both) {
        both.create_task([&] { server.run(); });
        well = crawl_and_report({url{origin, s.first_page}}, o.crawl);
        both.cancel();
    });
    return well;
}

int run(int argc, char** argv) {
    const options o = parse_options(argc, argv);
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    brio::posix::require();
    allow_many_descriptors();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (!o.start.empty())
        return brio::run([&] { return crawl_and_report(o.start, o.crawl); }) ? 0 : 1;
    const site s = o.site.empty() ? cpp_reference() : site{o.site, "/index.html"};
    ::setenv("no_proxy", "127.0.0.1", 1);
    return brio::run([&] { return crawl_own_site(s, o); }) ? 0 : 1;
}

}  // namespace
}  // namespace crawler

int main(int argc, char** argv) {
    try {
        return crawler::run(argc, argv);
    } catch (const brio::keyboard_interrupt&) {
        return 130;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "crawl: %s\n", e.what());
        return 1;
    }
}
