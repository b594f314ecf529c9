#pragma once
// What the tests of streams share.

#include "stream/make_stream.hpp"

#include <brio/brio.hpp>
#include <brio/testing.hpp>
#include <brio/testing_stream.hpp>

#include <cstddef>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace brio_test {

using namespace std::chrono_literals;

inline std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// Two connections over a pair of unix sockets: the kernel in between, and both ends held.
inline brio::testing::connection_pair socket_pair(const brio::stream_options& options = {}) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const auto over = [&](int fd) {
        return brio::detail::make_connection(
            brio::detail::make_socket_channel(brio::io::descriptor(fd)), options);
    };
    brio::connection client = over(ends[0]);
    return {std::move(client), over(ends[1])};
}

/// Lets everybody else run some turns; how many does not matter.
inline void let_others_run() {
    for (int i = 0; i < 8; ++i) brio::yield();
}

/// The text of the E that f() throws.
template <class E, class F>
std::string text_of(F&& f) {
    try {
        f();
    } catch (const E& e) {
        return e.what();
    }
    return "nothing was thrown";
}

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace brio_test
