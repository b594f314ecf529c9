#pragma once

#include "echo_message.hpp"
#include "fresh_process.hpp"
#include "process.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>

// What all echo servers share: the client, and which part of the traffic counts.

namespace bench {

constexpr int backlog = 1024;

/// The client: a process of its own on the last CPU. Moves this process to the first.
class echo_client {
public:
    echo_client(std::uint16_t port, unsigned connections);
    /// Waits for the client's end. Throws std::runtime_error when it has not got all its messages
    /// back.
    void finish();

private:
    child_process process_;
};

/// Times a server between two messages while all connections are at work: neither the setting up,
/// nor the first messages, nor the last, when ever fewer connections still wait for an answer.
class echo_window {
public:
    echo_window();
    /// To be told of the bytes that have gone back.
    void sent(std::size_t bytes) {
        sent_ += bytes;
        if (sent_ >= next_mark_) [[unlikely]]
            reach_mark();
    }
    /// Throws std::runtime_error when the traffic ended too early.
    [[nodiscard]] measurement result() const;

private:
    void reach_mark();

    std::uint64_t sent_ = 0;
    std::uint64_t next_mark_;
    double cpu_start_ = 0;
    double real_start_ = 0;
    measurement result_;
};

/// The median of five runs of `echo`, by CPU time. One run is as good as its batches happen to be, give
/// or take a quarter; and the better of two single runs is luck too.
[[nodiscard]] measurement median_echo(const std::function<measurement()>& echo);

}  // namespace bench
