#include "base/feature_mask.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdexcept>

namespace {

using brio::detail::feature;
using brio::detail::masked;

}  // namespace

TEST(feature_mask, hides_what_is_named) {
    EXPECT_FALSE(masked(feature::guard, ""));
    EXPECT_TRUE(masked(feature::guard, "guard"));
    EXPECT_FALSE(masked(feature::futex, "guard"));
    EXPECT_TRUE(masked(feature::futex, "guard,futex"));
    EXPECT_TRUE(masked(feature::guard, ",guard,"));
}

TEST(feature_mask, hides_what_is_newer_than_a_kernel) {
    EXPECT_TRUE(masked(feature::guard, "linux-6.1"));
    EXPECT_TRUE(masked(feature::registered_ring_only, "linux-6.1"));
    EXPECT_FALSE(masked(feature::defer_taskrun, "linux-6.1"));
    EXPECT_TRUE(masked(feature::defer_taskrun, "linux-5.19"));
    EXPECT_FALSE(masked(feature::no_sqarray, "linux-6.6"));
    EXPECT_TRUE(masked(feature::guard, "linux-6.6"));
    EXPECT_TRUE(masked(feature::futex, "linux-6.13,futex"));
    EXPECT_FALSE(masked(feature::guard, "linux-6.13,futex"));
}

TEST(feature_mask, rejects_what_stands_for_nothing) {
    for (const char* list : {"gaurd", "guard,wrong", "linux-", "linux-6", "linux-6.", "linux-6.x",
                             "linux-6.1.3", "Guard", " guard"}) {
        EXPECT_THROW(static_cast<void>(masked(feature::guard, list)), std::invalid_argument)
            << list;
    }
    try {
        static_cast<void>(masked(feature::guard, "futex,gaurd"));
    } catch (const std::invalid_argument& e) {
        EXPECT_THAT(e.what(), testing::StartsWith("BRIO_MASK: unknown feature 'gaurd'; known are "
                                                  "linux-X.Y"));
        EXPECT_THAT(e.what(), testing::HasSubstr(", guard"));
    }
}
