#include "base/feature_mask.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <compare>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace brio::inline v0::detail {

namespace {

struct kernel_version {
    int major = 0;
    int minor = 0;
    friend auto operator<=>(const kernel_version&, const kernel_version&) = default;
};

struct known_feature {
    std::string_view name;
    kernel_version since;
};

// In the order of the enumerators.
constexpr std::array<known_feature, static_cast<std::size_t>(feature::count)> known = {{
    {"defer_taskrun", {6, 1}},
    {"no_mmap", {6, 5}},
    {"registered_ring_only", {6, 5}},
    {"no_sqarray", {6, 6}},
    {"futex", {6, 7}},
    {"waitid", {6, 7}},
    {"pipe_nowait", {6, 4}},
    {"pidfd_thread", {6, 9}},
    {"guard", {6, 13}},
    {"no_iowait", {6, 15}},
}};
static_assert(!known.back().name.empty(), "each feature has a row");

[[noreturn]] void reject(std::string_view name) {
    std::string message =
        "BRIO_MASK: unknown feature '" + std::string(name) + "'; known are linux-X.Y";
    for (const known_feature& k : known) message.append(", ").append(k.name);
    throw std::invalid_argument(message);
}

kernel_version parse_version(std::string_view name, std::string_view digits) {
    kernel_version version;
    const char* const end = digits.data() + digits.size();
    const auto major = std::from_chars(digits.data(), end, version.major);
    if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') reject(name);
    const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
    if (minor.ec != std::errc() || minor.ptr != end) reject(name);
    return version;
}

unsigned features_named(std::string_view name) {
    constexpr std::string_view preset = "linux-";
    unsigned features = 0;
    if (name.starts_with(preset)) {
        const kernel_version version = parse_version(name, name.substr(preset.size()));
        for (std::size_t i = 0; i < known.size(); ++i) {
            if (known[i].since > version) features |= 1U << i;
        }
        return features;
    }
    for (std::size_t i = 0; i < known.size(); ++i) {
        if (known[i].name == name) features |= 1U << i;
    }
    if (features == 0) reject(name);
    return features;
}

unsigned features_in(std::string_view list) {
    unsigned features = 0;
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        if (comma != 0) features |= features_named(list.substr(0, comma));
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return features;
}

unsigned features_in_environment() {
    const char* list = std::getenv("BRIO_MASK");
    return list == nullptr ? 0 : features_in(list);
}

bool contains(unsigned features, feature f) {
    return (features >> static_cast<unsigned>(f) & 1) != 0;
}

}  // namespace

bool masked(feature f) {
    static const unsigned features = features_in_environment();
    return contains(features, f);
}

bool masked(feature f, std::string_view list) {
    return contains(features_in(list), f);
}

}  // namespace brio::inline v0::detail
