// brio-conformance FILE.jsonl ...          run every scenario, name those that differ
// brio-conformance --show NAME FILE.jsonl  expected and actual trace of one, side by side
// brio-conformance --real-time [--rounds N] [--every N] FILE.jsonl ...
//                                          on the real clock: see real_time.hpp

#include "conformance/interpreter.hpp"
#include "conformance/real_time.hpp"
#include "conformance/scenario.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace conformance {
namespace {

trace run(const scenario& s) {
    interpreter one(s);
    return one.run();
}

bool passes(const scenario& s) {
    try {
        return run(s) == s.expect;
    } catch (const unsupported&) {
        return false;
    }
}

int run_files(const std::vector<std::string>& files) {
    int passed = 0;
    int failed = 0;
    for (const std::string& path : files) {
        for (const scenario& s : read_scenarios(path)) {
            const bool ok = passes(s);
            ++(ok ? passed : failed);
            if (!ok) std::printf("differs: %s\n", s.name.c_str());
        }
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed > 0 ? 1 : 0;
}

std::string line_of(const trace& t, std::size_t i) {
    if (i >= t.size()) return {};
    return std::to_string(t[i].time) + " " + t[i].task + ": " + t[i].text;
}

void print_beside(const trace& expected, const trace& actual) {
    std::size_t width = std::string_view("expected").size();
    for (std::size_t i = 0; i < expected.size(); ++i)
        width = std::max(width, line_of(expected, i).size());
    const int columns = static_cast<int>(width);
    std::printf("  %-*s | actual\n", columns, "expected");
    for (std::size_t i = 0; i < std::max(expected.size(), actual.size()); ++i) {
        const std::string left = line_of(expected, i);
        const std::string right = line_of(actual, i);
        std::printf("%c %-*s | %s\n", left == right ? ' ' : '!', columns, left.c_str(),
                    right.c_str());
    }
}

int show(const std::string& name, const std::string& path) {
    for (const scenario& s : read_scenarios(path)) {
        if (s.name != name) continue;
        const trace actual = run(s);
        print_beside(s.expect, actual);
        return actual == s.expect ? 0 : 1;
    }
    throw std::runtime_error(path + " has no scenario called " + name);
}

/// `arguments`: what follows --real-time.
int real_time(std::span<const std::string> arguments) {
    real_time_options options;
    for (; arguments.size() > 1 && arguments[0].starts_with("--");
         arguments = arguments.subspan(2)) {
        if (arguments[0] != "--rounds" && arguments[0] != "--every")
            throw std::invalid_argument("unknown option " + arguments[0]);
        int& value = arguments[0] == "--rounds" ? options.rounds : options.every;
        value = std::stoi(arguments[1]);
        if (value < 1) throw std::invalid_argument(arguments[0] + " is below 1");
    }
    std::vector<scenario> all;
    for (const std::string& path : arguments)
        for (scenario& s : read_scenarios(path)) all.push_back(std::move(s));
    return run_in_real_time(all, options) > 0 ? 1 : 0;
}

int main(const std::vector<std::string>& arguments) {
    try {
        if (arguments.size() > 1 && arguments[0] == "--real-time")
            return real_time(std::span(arguments).subspan(1));
        if (arguments.size() == 3 && arguments[0] == "--show")
            return show(arguments[1], arguments[2]);
        if (!arguments.empty() && !arguments[0].starts_with("--")) return run_files(arguments);
        std::fprintf(stderr,
                     "usage: brio-conformance FILE.jsonl ... | --show NAME FILE.jsonl |\n"
                     "       --real-time [--rounds N] [--every N] FILE.jsonl ...\n");
    } catch (const unsupported& e) {
        std::fprintf(stderr, "brio-conformance: not supported: %s\n", e.what.c_str());
    } catch (const std::exception& e) {
        std::fprintf(stderr, "brio-conformance: %s\n", e.what());
    }
    return 2;
}

}  // namespace
}  // namespace conformance

int main(int argc, char** argv) {
    return conformance::main(std::vector<std::string>(argv + 1, argv + argc));
}
