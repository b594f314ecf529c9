#pragma once

#include "echo_message.hpp"
#include "fresh_process.hpp"
#include "process.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

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

using echo_run = std::function<measurement()>;

/// The median of 15 runs of each server, by CPU time, one of each in turn. A run finds its pace at its
/// start, by how large its batches happen to be, and keeps it: 4.2 us a request, or 6 to 8. So many
/// short ones tell more than a few long ones, and the better of two single runs is luck.
[[nodiscard]] std::vector<measurement> median_echoes(const std::vector<echo_run>& servers);
[[nodiscard]] measurement median_echo(const echo_run& server);

}  // namespace bench
