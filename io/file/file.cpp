#include "file/file_status.hpp"
#include "file/file_thread.hpp"
#include "net/failure.hpp"
#include "ops/ops.hpp"
#include "reactor/raw_call.hpp"

#include <brio/io/file.hpp>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>

namespace brio::inline v0::io {
namespace {

using detail::number_of;
using detail::ops::current_position;

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

std::uint64_t seek_to(int fd, std::uint64_t offset, int from) {
    const long position = ::syscall(SYS_lseek, fd, offset, from);
    return counted(position < 0 ? -errno : position, "lseek of", fd);
}

}  // namespace

file file::open(std::string_view path, int flags, unsigned mode) {
    const std::string text = detail::path_for("file::open", path);
    const int fd = detail::ops::openat(AT_FDCWD, text.c_str(), flags | O_CLOEXEC, mode);
    if (fd < 0) detail::throw_io_error(-fd, "open", text);
    return file(descriptor(fd));
}

std::size_t file::read(bytes_out out) {
    const int fd = number_of(fd_, "file::read");
    return counted(detail::ops::read(fd, out.data(), out.size()), "read from", fd);
}

std::size_t file::read_at(bytes_out out, std::uint64_t offset) {
    const int fd = number_of(fd_, "file::read_at");
    return counted(detail::ops::read(fd, out.data(), out.size(), offset), "read from", fd);
}

std::string file::read_all() {
    std::string all;
    std::array<char, 16 * 1024> part;
    while (const std::size_t count = read(part)) all.append(part.data(), count);
    return all;
}

void file::write(bytes_view data) {
    write_all(number_of(fd_, "file::write"), data, current_position);
}

void file::write_at(bytes_view data, std::uint64_t offset) {
    write_all(number_of(fd_, "file::write_at"), data, offset);
}

std::uint64_t file::position() const {
    return seek_to(number_of(fd_, "file::position"), 0, SEEK_CUR);
}

void file::seek(std::uint64_t position) {
    seek_to(number_of(fd_, "file::seek"), position, SEEK_SET);
}

std::uint64_t file::size() {
    const int fd = number_of(fd_, "file::size");
    struct statx found = {};
    counted(detail::ops::statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &found), "statx of", fd);
    return found.stx_size;
}

file_status file::stat() {
    const int fd = number_of(fd_, "file::stat");
    struct statx found = {};
    counted(detail::ops::statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &found), "statx of", fd);
    return detail::status_of(found);
}

void file::truncate(std::uint64_t size) {
    const int fd = number_of(fd_, "file::truncate");
    counted(detail::in_file_thread("ftruncate",
                                   [=] { return detail::raw_call(SYS_ftruncate, fd, size); }),
            "ftruncate of", fd);
}

void file::sync() {
    const int fd = number_of(fd_, "file::sync");
    counted(detail::ops::fsync(fd), "fsync of", fd);
}

void file::datasync() {
    const int fd = number_of(fd_, "file::datasync");
    counted(detail::ops::fdatasync(fd), "fdatasync of", fd);
}

}  // namespace brio::inline v0::io
