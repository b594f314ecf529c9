#pragma once
// What other threads of this process do, as the kernel tells it: a test waits for "asleep" instead
// of for a time that is long enough.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <iterator>
#include <set>
#include <string>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace brio_tests {

using thread_id = long;

inline thread_id this_thread_id() {
    return ::syscall(SYS_gettid);
}

/// Gives the processor away until `condition` holds; a failure, and false, when it never does.
[[nodiscard]] inline bool comes_true(const std::function<bool()>& condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > limit) {
            ADD_FAILURE() << "what was waited for has not come true";
            return false;
        }
        std::this_thread::yield();
    }
    return true;
}

/// Whether the thread sleeps in the kernel.
inline bool asleep(thread_id id) {
    std::ifstream file("/proc/self/task/" + std::to_string(id) + "/stat");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const std::size_t name_end = text.rfind(") ");
    return name_end != std::string::npos && text[name_end + 2] == 'S';
}

inline std::set<std::string> threads_of_this_process() {
    std::set<std::string> found;
    for (const auto& each : std::filesystem::directory_iterator("/proc/self/task"))
        found.insert(each.path().filename());
    return found;
}
/// A thread that has ended may be listed for a moment, so `before` may have some that are gone.
inline bool no_thread_but(const std::set<std::string>& before) {
    const auto now = threads_of_this_process();
    return std::includes(before.begin(), before.end(), now.begin(), now.end());
}

}  // namespace brio_tests
