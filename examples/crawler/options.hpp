#pragma once
// The command line.

#include "crawl.hpp"
#include "url.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace crawler {

struct options {
    std::vector<url> start;  // none: crawl the site that this program serves itself
    std::string site;        // the directory it serves; empty: the C++ reference
    bool serve_only = false;
    std::chrono::milliseconds latency{50};
    limits crawl;
};

/// Ends the process after a mistake (status 2) and after --help (status 0).
[[nodiscard]] options parse_options(int argc, char** argv);

}  // namespace crawler
