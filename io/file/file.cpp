#include "net/failure.hpp"
#include "ops/ops.hpp"

#include <brio/io/file.hpp>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <stdexcept>
#include <sys/stat.h>
#include <system_error>

namespace brio::inline v0::io {
namespace {

using detail::ops::current_position;

int required(const descriptor& fd, const char* call) {
    if (fd.get() < 0) detail::throw_closed(call);
    return fd.get();
}

std::size_t counted(ssize_t result, const char* call, int fd) {
    if (result < 0)
        detail::throw_io_error(static_cast<int>(-result), call, "descriptor " + std::to_string(fd));
    return static_cast<std::size_t>(result);
}

/// Writes all; `offset` moves along unless it is current_position.
void write_all(int fd, bytes_view data, std::uint64_t offset) {
    std::string_view rest(static_cast<const char*>(data.data()), data.size());
    while (!rest.empty()) {
        const std::size_t count =
            counted(detail::ops::write(fd, rest.data(), rest.size(), offset), "write to", fd);
        rest.remove_prefix(count);
        if (offset != current_position) offset += count;
    }
}

}  // namespace

file file::open(std::string_view path, int flags, unsigned mode) {
    if (path.find('\0') != std::string_view::npos)
        throw std::invalid_argument("file::open: the path has a 0 byte in it");
    const std::string text(path);
    const int fd = detail::ops::openat(AT_FDCWD, text.c_str(), flags | O_CLOEXEC, mode);
    if (fd < 0) detail::throw_io_error(-fd, "open", text);
    return file(descriptor(fd));
}

std::size_t file::read(bytes_out out) {
    const int fd = required(fd_, "file::read");
    return counted(detail::ops::read(fd, out.data(), out.size()), "read from", fd);
}

std::size_t file::read_at(bytes_out out, std::uint64_t offset) {
    const int fd = required(fd_, "file::read_at");
    return counted(detail::ops::read(fd, out.data(), out.size(), offset), "read from", fd);
}

std::string file::read_all() {
    std::string all;
    std::array<char, 16 * 1024> part;
    while (const std::size_t count = read(part)) all.append(part.data(), count);
    return all;
}

void file::write(bytes_view data) {
    write_all(required(fd_, "file::write"), data, current_position);
}

void file::write_at(bytes_view data, std::uint64_t offset) {
    write_all(required(fd_, "file::write_at"), data, offset);
}

std::uint64_t file::size() {
    const int fd = required(fd_, "file::size");
    struct statx found = {};
    counted(detail::ops::statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &found), "statx of", fd);
    return found.stx_size;
}

void file::sync() {
    const int fd = required(fd_, "file::sync");
    counted(detail::ops::fsync(fd), "fsync of", fd);
}

}  // namespace brio::inline v0::io
