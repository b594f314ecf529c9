#include "conformance/scenario.hpp"

#include <fstream>
#include <stdexcept>

namespace conformance {

namespace {

trace parse_trace(const json& rows) {
    trace all;
    for (const auto& row : rows) {
        all.push_back({row.at(0).get<std::int64_t>(), row.at(1).get<std::string>(),
                       row.at(2).get<std::string>()});
    }
    return all;
}

scenario parse_scenario(const std::string& line) {
    const json whole = json::parse(line);
    return {whole.at("name").get<std::string>(), whole.at("objects"), whole.at("procs"),
            parse_trace(whole.at("expect"))};
}

}  // namespace

std::vector<scenario> read_scenarios(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error(path + ": cannot be opened");
    std::vector<scenario> all;
    for (std::string line; std::getline(file, line);) {
        try {
            all.push_back(parse_scenario(line));
        } catch (const json::exception& e) {
            throw std::runtime_error(path + ", line " + std::to_string(all.size() + 1) + ": " +
                                     e.what());
        }
    }
    return all;
}

}  // namespace conformance
