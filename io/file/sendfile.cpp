#include "file/file_thread.hpp"
#include "net/address.hpp"
#include "net/failure.hpp"
#include "ops/ops.hpp"
#include "reactor/raw_call.hpp"

#include <brio/io/pipe.hpp>
#include <brio/io/sendfile.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace brio::inline v0::io {
namespace {

using detail::number_of;
using detail::throw_io_error;
using detail::ops::current_position;

constexpr std::size_t buffer_size = std::size_t{64} * 1024;
constexpr int pipe_size = 256 * 1024;
constexpr std::size_t piece_of_a_copy = std::size_t{8} * 1024 * 1024;

descriptor duplicate_of(int fd) {
    const int copy = detail::raw_call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) throw_io_error(-copy, "dup of", "descriptor " + std::to_string(fd));
    return descriptor(copy);
}

/// One sendfile under way, on descriptors of its own: who closes his while it lasts does not have its
/// number's next file sent, or sent to.
class sending {
public:
    sending(int file, int socket, std::uint64_t offset, std::uint64_t left)
        : number_(file),
          own_file_(duplicate_of(file)),
          own_socket_(duplicate_of(socket)),
          offset_(offset),
          left_(left) {}
    sending(const sending&) = delete;
    sending& operator=(const sending&) = delete;
    /// asyncio's rule, and the only way to learn of the count from an exception.
    ~sending() { detail::raw_call(SYS_lseek, file_, offset_, SEEK_SET); }

    /// Through a pipe of our own: its pages go from the file to the socket, uncopied. False: the kernel
    /// cannot do that with this file, this socket or this reactor. What is then in the pipe is still in
    /// the file, and does not count as sent.
    bool splice() {
        const pipe_ends between = pipe();
        const int in = between.writer.native_handle();
        const int out = between.reader.native_handle();
        detail::raw_call(SYS_fcntl, in, F_SETPIPE_SZ, pipe_size);
        while (left_ > 0) {
            const ssize_t taken = detail::ops::splice(file_, offset_, in, at_most(pipe_size));
            if (is_refusal(taken)) return false;
            std::size_t rest = read_count(taken);
            if (rest == 0) return true;
            while (rest > 0) {
                const ssize_t sent = detail::ops::splice(out, current_position, socket_, rest);
                if (is_refusal(sent)) return false;
                rest -= sent_count(sent);
            }
        }
        return true;
    }

    void read_and_send() {
        std::vector<char> buffer(at_most(buffer_size));
        while (left_ > 0) {
            std::size_t rest = read_count(
                detail::ops::read(file_, buffer.data(), at_most(buffer.size()), offset_));
            if (rest == 0) return;
            for (const char* from = buffer.data(); rest > 0;) {
                const std::size_t sent = sent_count(detail::ops::send(socket_, from, rest));
                from += sent;
                rest -= sent;
            }
        }
    }

    [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }

private:
    /// EINTR: a thread of the kernel was called to other work. That is not worth a case of its own.
    static bool is_refusal(ssize_t result) noexcept {
        return result == -EINVAL || result == -EOPNOTSUPP || result == -EINTR;
    }
    [[nodiscard]] std::size_t at_most(std::size_t size) const noexcept {
        return static_cast<std::size_t>(std::min<std::uint64_t>(left_, size));
    }
    [[nodiscard]] std::size_t read_count(ssize_t result) const {
        if (result < 0)
            throw_io_error(static_cast<int>(-result), "read from",
                           "descriptor " + std::to_string(number_));
        return static_cast<std::size_t>(result);
    }
    [[nodiscard]] std::size_t sent_count(ssize_t result) {
        if (result < 0)
            throw_io_error(static_cast<int>(-result), "send to", detail::peer_of(socket_));
        offset_ += static_cast<std::uint64_t>(result);
        left_ -= static_cast<std::uint64_t>(result);
        return static_cast<std::size_t>(result);
    }

    const int number_;  // the user's, for errors
    const descriptor own_file_;
    const descriptor own_socket_;
    const int file_ = own_file_.get();
    const int socket_ = own_socket_.get();
    std::uint64_t offset_;
    std::uint64_t left_;
};

/// What copy_file_range has copied; an error ends it, and whoever reads or writes next is told of it.
std::uint64_t copy_in_kernel(int from, int to, std::uint64_t most) {
    std::uint64_t copied = 0;
    while (copied < most) {
        const auto piece = std::min<std::uint64_t>(most - copied, piece_of_a_copy);
        const int count = detail::in_file_thread("copy_file_range", [=] {
            return detail::raw_call(SYS_copy_file_range, from, 0, to, 0, piece, 0);
        });
        if (count <= 0) break;
        copied += static_cast<std::uint64_t>(count);
    }
    return copied;
}

}  // namespace

std::uint64_t sendfile(stream_socket& to, file& from, std::uint64_t offset,
                       std::optional<std::uint64_t> count) {
    const int socket = number_of(to.native_handle(), "sendfile");
    if (count == 0U) throw std::invalid_argument("sendfile: count must be positive");
    sending s(number_of(from.native_handle(), "sendfile"), socket, offset,
              count.value_or(UINT64_MAX));
    if (!s.splice()) s.read_and_send();
    return s.offset() - offset;
}

std::uint64_t copy(file& from, file& to, std::optional<std::uint64_t> count) {
    const std::uint64_t most = count.value_or(UINT64_MAX);
    std::uint64_t copied = copy_in_kernel(number_of(from.native_handle(), "copy"),
                                          number_of(to.native_handle(), "copy"), most);
    // At the end of the file this reads once, and nothing; files that copy_file_range does not know
    // (other file systems, /proc, O_APPEND) are copied here.
    std::vector<char> buffer(buffer_size);
    while (copied < most) {
        const std::span part(buffer.data(), std::min<std::uint64_t>(most - copied, buffer.size()));
        const std::size_t size = from.read(part);
        if (size == 0) break;
        to.write(part.first(size));
        copied += size;
    }
    return copied;
}

}  // namespace brio::inline v0::io
