#pragma once
// What the tests of the bridge have in common: Boost's names as its documentation writes them, and tasks
// that must go on running meanwhile.

#include <brio/bridge/boost_fiber.hpp>
#include <brio/brio.hpp>
#include <brio/io/socket.hpp>
#include <brio/testing.hpp>

#include <array>
#include <boost/fiber/all.hpp>
#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mutex>
#include <string>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace bridge_tests {

using namespace std::chrono_literals;
namespace fibers = boost::fibers;
namespace this_fiber = boost::this_fiber;

/// Two connected sockets.
inline std::pair<brio::io::tcp_stream, brio::io::tcp_stream> make_connection() {
    brio::io::tcp_listener listener("127.0.0.1", 0);
    auto first = brio::io::tcp_stream::connect("127.0.0.1", listener.port());
    auto second = listener.accept();
    return {std::move(first), std::move(second)};
}

inline std::string read_some(brio::io::tcp_stream& from) {
    std::array<char, 64> room;
    return {room.data(), from.read(room)};
}

/// What happened, in order.
struct story {
    void add(const std::string& line) { lines.push_back(line); }
    std::vector<std::string> lines;
};

/// A task beside Boost's fibers: it yields until it is told to stop, and counts.
class bystander {
public:
    bystander()
        : task_(brio::create_task([this] {
              for (; !stop_; ++turns_) brio::yield();
          })) {}
    /// At least so many turns from now on.
    void expect_turns(int turns) {
        const int until = turns_ + turns;
        while (turns_ < until) this_fiber::yield();
    }
    ~bystander() {
        stop_ = true;
        brio::shielded([&] { task_.await(); });
    }
    [[nodiscard]] int turns() const { return turns_; }

private:
    bool stop_ = false;
    int turns_ = 0;
    brio::task<void> task_;
};

}  // namespace bridge_tests
