#include "options.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <getopt.h>
#include <string_view>
#include <system_error>

namespace crawler {
namespace {

constexpr char usage[] =
    "usage: crawl [OPTION...]          serve the C++ reference on loopback, and crawl it\n"
    "       crawl [OPTION...] URL...   crawl what links reach from there, on the same hosts\n"
    "  --in-flight N      fetches at the same time (256)\n"
    "  --timeout SECONDS  for each fetch (30)\n"
    "  --site DIR         serve this directory instead of the C++ reference\n"
    "  --latency MS       by which each response of the own server is late (50)\n"
    "  --serve            only serve, until Ctrl-C\n"
    "Status: 0 all pages fetched, 1 some could not be, 2 wrong call, 130 interrupted\n";

[[noreturn]] void refuse(const std::string& why) {
    std::fprintf(stderr, "crawl: %s\n%s", why.c_str(), usage);
    std::exit(2);
}

template <class Number>
Number number(std::string_view option, std::string_view text, Number least, Number most) {
    Number value{};
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end || !(value >= least && value <= most))
        refuse("--" + std::string(option) + " does not take " + std::string(text));
    return value;
}

url start_page(std::string_view text) {
    const auto page = parse_url(text);
    if (!page) refuse("not an http address: " + std::string(text));
    return *page;
}

}  // namespace

options parse_options(int argc, char** argv) {
    enum option : int { in_flight = 1, timeout, site, latency, serve, help };
    static const ::option known[] = {{"in-flight", required_argument, nullptr, in_flight},
                                     {"timeout", required_argument, nullptr, timeout},
                                     {"site", required_argument, nullptr, site},
                                     {"latency", required_argument, nullptr, latency},
                                     {"serve", no_argument, nullptr, serve},
                                     {"help", no_argument, nullptr, help},
                                     {}};
    options result;
    for (int given; (given = ::getopt_long(argc, argv, "", known, nullptr)) != -1;) {
        switch (given) {
            case in_flight:
                result.crawl.in_flight = number<std::size_t>("in-flight", optarg, 1, 100'000);
                break;
            case timeout:
                result.crawl.per_fetch = std::chrono::round<brio::duration>(
                    std::chrono::duration<double>(number("timeout", optarg, 0.001, 1e6)));
                break;
            case site:
                result.site = optarg;
                break;
            case latency:
                result.latency = std::chrono::milliseconds(number("latency", optarg, 0, 1'000'000));
                break;
            case serve:
                result.serve_only = true;
                break;
            case help:
                std::fputs(usage, stdout);
                std::exit(0);
            default:
                std::fputs(usage, stderr);
                std::exit(2);
        }
    }
    for (int i = optind; i < argc; ++i) result.start.push_back(start_page(argv[i]));
    if (result.serve_only && !result.start.empty()) refuse("--serve takes no address");
    return result;
}

}  // namespace crawler
