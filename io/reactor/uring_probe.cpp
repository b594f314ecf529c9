#include "reactor/uring_probe.hpp"

#include "base/feature_mask.hpp"

#include <string_view>
#include <sys/utsname.h>

namespace brio::inline v0 {
namespace detail {

namespace {

struct row {
    bool ring_features::*field;
    feature mask;
    std::string_view name;
};
constexpr row rows[] = {
    {&ring_features::futex, feature::futex, "futex wake"},
    {&ring_features::defer_taskrun, feature::defer_taskrun, "deferred task work"},
    {&ring_features::registered_ring_only, feature::registered_ring_only, "no descriptor"},
    {&ring_features::no_sqarray, feature::no_sqarray, "no SQ array"},
    {&ring_features::no_iowait, feature::no_iowait, "no iowait"},
};

std::string kernel_release() {
    utsname name;
    if (::uname(&name) != 0) return "?";
    const std::string_view release = name.release;
    return std::string(release.substr(0, release.find('.', release.find('.') + 1)));
}

}  // namespace

ring_features unmasked_ring_features() {
    ring_features features;
    for (const row& r : rows) features.*r.field = !masked(r.mask);
    if (masked(feature::no_mmap)) features.registered_ring_only = false;  // it needs the other
    return features;
}

std::string describe(const ring_features& used) {
    std::string text = "Linux " + kernel_release();
    for (const row& r : rows)
        if (used.*r.field) text.append(", ").append(r.name);
    return text;
}

}  // namespace detail
}  // namespace brio::inline v0
