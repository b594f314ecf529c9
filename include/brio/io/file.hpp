#pragma once
// The native API for files. The rules of <brio/io/socket.hpp> hold: what suspends, cancels, throws.
// asyncio has none: the names are those of Python's os. On io_uring most of them need no thread; on
// epoll a small pool does the work. A file operation that the kernel already runs cannot be stopped: a
// cancel then takes effect when it is done. For FIFOs: <brio/io/pipe.hpp>; what is done by name alone:
// <brio/io/filesystem.hpp>.

#include <brio/bytes.hpp>
#include <brio/io/descriptor.hpp>
#include <brio/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace brio::inline v0::io {

enum class file_type : std::uint8_t {
    unknown,
    regular,
    directory,
    symlink,
    block_device,
    character_device,
    fifo,
    socket,
};

/// What stat tells.
struct file_status {
    file_type type;
    unsigned mode;       // permissions: the low 12 bits of st_mode
    std::uint64_t size;  // bytes
    std::chrono::system_clock::time_point modified;
    std::uint64_t inode;
    std::uint64_t links;
    unsigned uid;
    unsigned gid;
};

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
    /// pread: from `offset` (bytes); the position stays.
    [[nodiscard]] std::size_t read_at(bytes_out out, std::uint64_t offset);
    /// The rest of the file, from its position.
    [[nodiscard]] std::string read_all();
    /// All of it, at the file's position (at the end with O_APPEND). When it throws, an unknown part
    /// has been written.
    void write(bytes_view data);
    /// pwrite: at `offset` (bytes); the position stays.
    void write_at(bytes_view data, std::uint64_t offset);
    /// In bytes. Does not suspend.
    [[nodiscard]] std::uint64_t position() const;
    /// Sets the position, in bytes from the beginning. Does not suspend.
    void seek(std::uint64_t position);
    /// Bytes.
    [[nodiscard]] std::uint64_t size();
    [[nodiscard]] file_status stat();
    /// Cuts the file off at `size` bytes, or fills it with zeros to there; the position stays.
    void truncate(std::uint64_t size);
    /// fsync: returns when the storage has it.
    void sync();
    /// fdatasync: likewise, but for times and the like, which no later read needs.
    void datasync();
    /// Does not suspend.
    void close() noexcept { fd_.close(); }
    [[nodiscard]] int native_handle() const noexcept { return fd_.get(); }

private:
    descriptor fd_;
};

}  // namespace brio::inline v0::io
