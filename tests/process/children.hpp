#pragma once
// What the tests of child processes share: no test may leave a child, a zombie or a descriptor.

#include <brio/brio.hpp>

#include <cerrno>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <sys/wait.h>
#include <vector>

namespace brio::testing_process {

using namespace std::chrono_literals;
using arguments = std::vector<std::string>;

inline arguments shell(const std::string& script) {
    return {"/bin/sh", "-c", script};
}

inline std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// Whether this process has a child, running or dead.
inline bool has_children() {
    siginfo_t info;
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

class processes : public ::testing::Test {
protected:
    void SetUp() override { descriptors_ = open_descriptors(); }
    void TearDown() override {
        EXPECT_FALSE(has_children()) << "a child, perhaps a zombie, is left";
        EXPECT_EQ(open_descriptors(), descriptors_) << "descriptors have leaked";
    }

private:
    std::size_t descriptors_ = 0;
};

}  // namespace brio::testing_process
