#pragma once
// The native API for pipes and FIFOs: asyncio's connect_read_pipe and connect_write_pipe, unbuffered.
// The rules of <brio/io/socket.hpp> hold: what suspends, cancels, throws. Pipes stay in blocking mode,
// so that an end can be given to C code or to a child.

#include <brio/bytes.hpp>
#include <brio/io/descriptor.hpp>
#include <brio/version.hpp>

#include <cstddef>
#include <string_view>
#include <utility>

namespace brio::inline v0::io {

class pipe_reader {
public:
    /// Opens a FIFO. Does not wait for a writer: the first read does.
    [[nodiscard]] static pipe_reader open(std::string_view path);
    /// Takes ownership of the read end of a pipe.
    explicit pipe_reader(descriptor fd) noexcept : fd_(std::move(fd)) {}

    /// 1 to out.size() bytes, as soon as there are some; 0 when all writers have closed (or when out
    /// is empty). Returns the count.
    [[nodiscard]] std::size_t read(bytes_out out);
    /// Does not suspend.
    void close() noexcept { fd_.close(); }
    /// -1 when closed. Stays this object's.
    [[nodiscard]] int native_handle() const noexcept { return fd_.get(); }

private:
    descriptor fd_;
    bool awaits_writer_ = false;
};

class pipe_writer {
public:
    /// Opens a FIFO. Suspends until somebody has opened it for reading; looks every 10 ms, since
    /// nothing announces that.
    [[nodiscard]] static pipe_writer open(std::string_view path);
    /// Takes ownership of the write end of a pipe.
    explicit pipe_writer(descriptor fd) noexcept : fd_(std::move(fd)) {}

    /// At least one byte, as many as fit at once; returns the count. 0 when data is empty.
    [[nodiscard]] std::size_t write_some(bytes_view data);
    /// All of it. When it throws, an unknown part has been written. Without a reader it throws EPIPE,
    /// and raises no SIGPIPE.
    void write(bytes_view data);
    /// Does not suspend. What has been written can still be read.
    void close() noexcept { fd_.close(); }
    /// -1 when closed. Stays this object's.
    [[nodiscard]] int native_handle() const noexcept { return fd_.get(); }

private:
    descriptor fd_;
};

struct pipe_ends {
    pipe_reader reader;
    pipe_writer writer;
};
/// Does not suspend.
[[nodiscard]] pipe_ends pipe();

}  // namespace brio::inline v0::io
