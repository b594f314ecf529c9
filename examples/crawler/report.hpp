#pragma once
// What a person sees of a crawl: how far it is, and the table at its end.

#include "crawl.hpp"

#include <brio/brio.hpp>

#include <string>

namespace crawler {

/// While it lives, says how far a crawl is: on a terminal in a line that changes, elsewhere in a line
/// a second.
class progress {
public:
    /// `t` outlives it.
    progress(const std::string& title, const tally& t);
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;
    ~progress();

private:
    brio::task<void> ticker_;
};

/// The table, and below it what failed. `one_by_one` is a crawl that had one fetch in flight: it
/// tells what the other would have taken so. Needs the running loop.
void print_report(const tally& whole, const tally& one_by_one);

}  // namespace crawler
