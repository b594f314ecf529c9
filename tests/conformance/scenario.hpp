#pragma once
// A scenario as it stands in its file: one JSON object on a line.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace conformance {

using json = nlohmann::json;

/// One line of a trace: the time in units, the task's name, what it said.
struct event {
    std::int64_t time;
    std::string task;
    std::string text;
    friend bool operator==(const event&, const event&) = default;
};
using trace = std::vector<event>;

struct scenario {
    std::string name;
    json objects;
    json procs;
    trace expect;
};

/// std::runtime_error, naming file and line, for what cannot be read.
[[nodiscard]] std::vector<scenario> read_scenarios(const std::string& path);

}  // namespace conformance
