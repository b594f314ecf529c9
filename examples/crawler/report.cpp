#include "report.hpp"

#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <fstream>
#include <map>
#include <unistd.h>

using namespace std::chrono_literals;

namespace crawler {
namespace {

using seconds = std::chrono::duration<double>;

constexpr std::size_t addresses_shown = 10;  // of each kind of failure

std::string with_commas(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
    return digits;
}

void print_line(const std::string& title, const tally& t) {
    std::printf("%s: %s pages, %.1f MB, %zu in flight, %zu errors, %.1f s", title.c_str(),
                with_commas(t.pages).c_str(), static_cast<double>(t.bytes) / 1e6, t.in_flight,
                t.failures.size(), seconds(t.elapsed()).count());
}

void print_progress_for_ever(const std::string& title, const tally& t) {
    const bool terminal = ::isatty(STDOUT_FILENO) == 1;
    for (;;) {
        brio::sleep(terminal ? 100ms : 1000ms);
        if (terminal) std::printf("\r\033[K");
        print_line(title, t);
        if (!terminal) std::printf("\n");
        std::fflush(stdout);
    }
}

/// What the kernel says: helper threads of any library are in it.
std::string os_threads() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;)
        if (word == "Threads:" && status >> word) return word;
    return "unknown";
}

[[gnu::format(printf, 2, 3)]] void print_row(const char* name, const char* format, ...) {
    std::printf("  %-20s ", name);
    std::va_list values;
    va_start(values, format);
    std::vprintf(format, values);
    va_end(values);
    std::printf("\n");
}

void print_speed(const tally& whole, const tally& one_by_one) {
    if (one_by_one.fetches == 0 || whole.fetches == 0) return;
    const double each =
        seconds(one_by_one.elapsed()).count() / static_cast<double>(one_by_one.fetches);
    const double all = each * static_cast<double>(whole.fetches);
    print_row("one after another", "%.2f s (%.1f ms each, measured on the first %zu)", all,
              each * 1e3, one_by_one.fetches);
    print_row("speed-up", "%.1f", all / seconds(whole.elapsed()).count());
}

void print_failures(const std::vector<failure>& failures) {
    std::map<std::string, std::vector<const failure*>> by_kind;
    for (const failure& f : failures) by_kind[f.kind].push_back(&f);
    for (const auto& [kind, members] : by_kind) {
        std::printf("%s: %zu\n", kind.c_str(), members.size());
        for (std::size_t i = 0; i < members.size() && i < addresses_shown; ++i) {
            const failure& f = *members[i];
            std::printf("  %s", f.address.c_str());
            if (!f.found_on.empty()) std::printf(", linked from %s", f.found_on.c_str());
            if (!f.details.empty()) std::printf(": %s", f.details.c_str());
            std::printf("\n");
        }
        if (members.size() > addresses_shown)
            std::printf("  and %zu more\n", members.size() - addresses_shown);
    }
}

}  // namespace

progress::progress(const std::string& title, const tally& t)
    : ticker_(brio::create_task([title, &t] { print_progress_for_ever(title, t); })) {}

progress::~progress() {
    ticker_.cancel();
    if (::isatty(STDOUT_FILENO) == 1) std::printf("\r\033[K");
}

void print_report(const tally& whole, const tally& one_by_one) {
    std::printf("\n");
    print_row("pages", "%s", with_commas(whole.pages).c_str());
    print_row("bytes", "%s", with_commas(whole.bytes).c_str());
    print_row("errors", "%zu", whole.failures.size());
    if (whole.cancelled > 0) print_row("cancelled", "%zu", whole.cancelled);
    print_row("wall time", "%.2f s", seconds(whole.elapsed()).count());
    print_speed(whole, one_by_one);
    print_row("most in flight", "%zu", whole.most_in_flight);
    print_row("OS threads", "%s", os_threads().c_str());
    print_row("reactor", "%s", brio::get_running_loop().reactor_name().data());
    std::printf("\n");
    print_failures(whole.failures);
}

}  // namespace crawler
