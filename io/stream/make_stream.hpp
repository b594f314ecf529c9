#pragma once
// From a descriptor to a channel, and from a channel to the streams above it. For what makes
// connections: sockets, pipes, subprocesses, tests.

#include <brio/detail/byte_channel.hpp>
#include <brio/io/descriptor.hpp>
#include <brio/stream.hpp>

#include <cstddef>

namespace brio::inline v0::detail {

/// On the running loop; usage_error without one. `owned` is deleted with the last of its streams, and
/// when the call throws. std::invalid_argument when `limit` is 0.
[[nodiscard]] stream_reader make_reader(byte_channel* owned, std::size_t limit);
[[nodiscard]] stream_writer make_writer(byte_channel* owned, std::size_t high_water);
/// Both halves share the channel. The client's side; of the options limit and high_water count.
[[nodiscard]] connection make_connection(byte_channel* owned, const stream_options& options);

/// A connected stream socket.
[[nodiscard]] byte_channel* make_socket_channel(io::descriptor fd);
/// A pipe, FIFO or terminal: for reading, writing, or both.
[[nodiscard]] byte_channel* make_pipe_channel(io::descriptor fd);

}  // namespace brio::inline v0::detail
