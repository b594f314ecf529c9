#pragma once
// For tests: connections without sockets.

#include <brio/stream.hpp>

#include <cstddef>

namespace brio::inline v0::testing {

struct connection_pair {
    connection client;
    connection server;
};

/// Two connections joined in memory: what one writes the other reads. `capacity` is what each
/// direction holds (bytes), as a socket's buffers do: beyond it writes wait for the reader, so that
/// backpressure can be tested. Nothing is left to chance: bytes arrive at once. Does not suspend; for
/// a running loop, also one on a virtual clock.
[[nodiscard]] connection_pair stream_pair(std::size_t capacity = 64 * 1024,
                                          const stream_options& options = {});

}  // namespace brio::inline v0::testing
