#include "crawl.hpp"

#include "links.hpp"

#include <algorithm>
#include <utility>

namespace crawler {
namespace {

std::string kind_of(CURLcode code) {
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_CONNECT:
            return "dead host";
        case CURLE_GOT_NOTHING:
        case CURLE_PARTIAL_FILE:
        case CURLE_RECV_ERROR:
        case CURLE_SEND_ERROR:
            return "cut off";
        default:
            return curl_easy_strerror(code);
    }
}

bool is_html(const response& r) {
    return r.content_type.starts_with("text/html") ||
           r.content_type.starts_with("application/xhtml+xml");
}

}  // namespace

brio::duration tally::elapsed() const {
    return began ? ended.value_or(brio::clock::now()) - *began : brio::duration::zero();
}

crawl::crawl(const std::vector<url>& start, const limits& l) : limits_(l) {
    for (const url& page : start) follow(page, "");
}

void crawl::run() {
    tally_.began = brio::clock::now();
    brio::task_group([this](brio::task_group_scope& fetches) {
        for (;;) {
            while (may_start_another()) start_one(fetches);
            if (tally_.in_flight == 0) return;
            room_ = brio::create_future<void>();
            room_.await();
        }
    });
    tally_.ended = brio::clock::now();
}

bool crawl::may_start_another() const {
    return !waiting_.empty() && tally_.in_flight < limits_.in_flight &&
           tally_.fetches + tally_.in_flight < limits_.fetches;
}

void crawl::start_one(brio::task_group_scope& fetches) {
    ++tally_.in_flight;
    tally_.most_in_flight = std::max(tally_.most_in_flight, tally_.in_flight);
    auto fetching =
        fetches.create_task([this, next = std::move(waiting_.front())] { visit(next); });
    waiting_.pop_front();
    fetching.add_done_callback([this](const brio::any_future& f) { one_has_ended(f.cancelled()); });
}

void crawl::one_has_ended(bool cancelled) {
    --tally_.in_flight;
    ++(cancelled ? tally_.cancelled : tally_.fetches);
    if (!room_.done()) room_.set_result();
}

void crawl::visit(const link& l) {
    const std::string address = l.leads_to.text();
    try {
        take(l, brio::timeout(limits_.per_fetch, [&] { return fetch(address); }));
    } catch (const brio::timeout_error&) {
        tally_.failures.push_back({"too slow", address, l.found_on, ""});
    }
}

void crawl::take(const link& l, const response& r) {
    if (r.code != CURLE_OK) {
        brio::yield();  // to curl, cancellation was a call that failed: here it is delivered
        tally_.failures.push_back({kind_of(r.code), l.leads_to.text(), l.found_on, r.error});
    } else if (r.status >= 400) {
        const std::string kind = "HTTP " + std::to_string(r.status);
        tally_.failures.push_back({kind, l.leads_to.text(), l.found_on, ""});
    } else if (const auto elsewhere = parse_url(r.redirect)) {
        follow(*elsewhere, l.found_on);
    } else {
        ++tally_.pages;
        tally_.bytes += r.body.size();
        if (!is_html(r)) return;
        const std::string here = l.leads_to.text();
        for (const url& leads_to : links(r.body, l.leads_to)) follow(leads_to, here);
    }
}

/// Start pages, and where they redirect to, say which hosts are crawled.
void crawl::follow(const url& leads_to, const std::string& found_on) {
    if (found_on.empty()) hosts_.insert(leads_to.origin);
    if (!hosts_.contains(leads_to.origin)) return;
    if (seen_.insert(leads_to.text()).second) waiting_.push_back({leads_to, found_on});
}

}  // namespace crawler
