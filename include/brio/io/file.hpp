#pragma once
// The native API for files. The rules of <brio/io/socket.hpp> hold: what suspends, cancels, throws.
// On io_uring files need no thread; on epoll a small pool does the work. A file operation that the
// kernel already runs cannot be stopped: a cancel then takes effect when it is done.

#include <brio/bytes.hpp>
#include <brio/io/descriptor.hpp>
#include <brio/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace brio::inline v0::io {

/// Move-only owner of an open file.
class file {
public:
    /// `flags` and `mode` (of a new file) are open(2)'s; O_CLOEXEC is added. std::invalid_argument
    /// when the path has a 0 byte in it.
    [[nodiscard]] static file open(std::string_view path, int flags, unsigned mode = 0666);
    /// Takes ownership of an open descriptor.
    explicit file(descriptor fd) noexcept : fd_(std::move(fd)) {}

    /// From the file's position, which moves on: up to out.size() bytes; 0 at the end.
    [[nodiscard]] std::size_t read(bytes_out out);
    /// From `offset` (bytes); the position stays.
    [[nodiscard]] std::size_t read_at(bytes_out out, std::uint64_t offset);
    /// The rest of the file, from its position.
    [[nodiscard]] std::string read_all();
    /// All of it, at the file's position (at the end with O_APPEND). When it throws, an unknown part
    /// has been written.
    void write(bytes_view data);
    void write_at(bytes_view data, std::uint64_t offset);
    /// Bytes.
    [[nodiscard]] std::uint64_t size();
    /// fsync: returns when the storage has it.
    void sync();
    /// Does not suspend.
    void close() noexcept { fd_.close(); }
    [[nodiscard]] int native_handle() const noexcept { return fd_.get(); }

private:
    descriptor fd_;
};

}  // namespace brio::inline v0::io
