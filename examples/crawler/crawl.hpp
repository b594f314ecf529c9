#pragma once
// A crawl: every page that links reach, on the hosts it starts from.

#include "fetch.hpp"
#include "url.hpp"

#include <brio/brio.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace crawler {

struct limits {
    std::size_t in_flight = 256;
    std::size_t fetches =
        std::numeric_limits<std::size_t>::max();  // where it ends, links left or not
    brio::duration per_fetch = std::chrono::seconds(30);
};

struct failure {
    std::string kind;  // "HTTP 404", "dead host", "cut off", "too slow", or curl's word for it
    std::string address;
    std::string found_on;  // the page that has the link; empty for a start page
    std::string details;   // may be empty
};

/// What a crawl has come to, at any moment.
struct tally {
    std::size_t fetches = 0;    // ended, well or not
    std::size_t cancelled = 0;  // not in `fetches`
    std::size_t in_flight = 0;
    std::size_t most_in_flight = 0;
    std::size_t pages = 0;    // arrived whole
    std::uint64_t bytes = 0;  // of their bodies
    std::vector<failure> failures;
    std::optional<brio::time_point> began;
    std::optional<brio::time_point> ended;

    [[nodiscard]] brio::duration elapsed() const;
};

class crawl {
public:
    crawl(const std::vector<url>& start, const limits& l);
    /// Fetches, one task a page, until no link is left. Once. A crawl that is cancelled cancels its
    /// fetches, and waits for them.
    void run();
    [[nodiscard]] const tally& so_far() const { return tally_; }

private:
    struct link {
        url leads_to;
        std::string found_on;
    };

    [[nodiscard]] bool may_start_another() const;
    void start_one(brio::task_group_scope& fetches);
    void one_has_ended(bool cancelled);
    void visit(const link& l);
    void take(const link& l, const response& r);
    void follow(const url& leads_to, const std::string& found_on);

    limits limits_;
    tally tally_;
    std::unordered_set<std::string> hosts_;  // origins
    std::unordered_set<std::string> seen_;   // addresses that were ever in waiting_
    std::deque<link> waiting_;
    brio::future<void> room_;  // done when a fetch has ended
};

}  // namespace crawler
