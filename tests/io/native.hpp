#pragma once
// What the tests of the native sockets, pipes and files share.

#include <brio/brio.hpp>
#include <brio/io/socket.hpp>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <system_error>
#include <thread>

namespace brio::testing_native {

using namespace std::chrono_literals;

/// A new directory, gone with what is in it when the test ends.
class temporary_directory {
public:
    temporary_directory() {
        std::string name = "/tmp/brio-native-XXXXXX";
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        path_ = name;
    }
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;
    ~temporary_directory() { std::filesystem::remove_all(path_); }
    [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

/// No test leaves a descriptor behind. A file thread may hold the loop's eventfd for a moment after it
/// has told the loop.
class native_test : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        brio::run([] { brio::sleep(1ms); });  // what stays open for good is open now
    }
    void SetUp() override { before_ = open_descriptors(); }
    void TearDown() override {
        const auto limit = std::chrono::steady_clock::now() + 10s;
        while (open_descriptors() != before_ && std::chrono::steady_clock::now() < limit)
            std::this_thread::yield();
        EXPECT_EQ(open_descriptors(), before_) << "a descriptor has leaked";
    }

private:
    static std::size_t open_descriptors() {
        const std::filesystem::directory_iterator all("/proc/self/fd");
        return static_cast<std::size_t>(std::distance(begin(all), end(all)));
    }
    std::size_t before_ = 0;
};

/// The code of the std::system_error that `call` throws, and its text.
struct refusal {
    std::error_code code;
    std::string text;
};
template <class F>
refusal refusal_of(F&& call) {
    try {
        call();
    } catch (const std::system_error& e) {
        return {e.code(), e.what()};
    }
    ADD_FAILURE() << "it threw nothing";
    return {};
}

/// Cancels `call` after `turns` turns. Whether that ended it.
template <class F>
bool cancelled_after(int turns, F&& call) {
    bool returned = false;
    auto t = brio::create_task([&] {
        call();
        returned = true;
    });
    for (int i = 0; i < turns; ++i) brio::yield();
    t.cancel();
    try {
        t.await();
    } catch (const brio::cancelled_error&) {  // also of a task that returned with a cancel pending
    }
    return !returned;
}

/// From before it begins until it may have ended.
inline constexpr int cancel_turns = 6;

struct tcp_pair {
    io::tcp_stream client, server;
};
inline tcp_pair connected() {
    io::tcp_listener listener("127.0.0.1", 0);
    auto accepted = brio::create_task([&] { return listener.accept(); });
    auto client = io::tcp_stream::connect("127.0.0.1", listener.port());
    return {std::move(client), std::move(accepted).await()};
}

template <class Stream>
std::string read_to_end(Stream& s) {
    std::string all;
    std::string part(64 * 1024, '\0');
    while (const std::size_t n = s.read(part)) all.append(part.data(), n);
    return all;
}

}  // namespace brio::testing_native
