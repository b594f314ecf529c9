#include "net/failure.hpp"
#include "net/pipe_write.hpp"
#include "ops/ops.hpp"
#include "reactor/direct_call.hpp"
#include "reactor/raw_call.hpp"

#include <brio/io/pipe.hpp>
#include <brio/task.hpp>

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <poll.h>
#include <string>

namespace brio::inline v0::io {
namespace {

using detail::number_of;
using detail::raw_call;
using detail::throw_io_error;

std::string name_of(int fd) {
    return "descriptor " + std::to_string(fd);
}

/// Opens without waiting for the other end; -ENXIO: a writer, and there is no reader.
int open_fifo(const std::string& path, int flags) {
    const int fd = detail::ops::openat(AT_FDCWD, path.c_str(), flags | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && fd != -ENXIO) throw_io_error(-fd, "open", path);
    if (fd >= 0) raw_call(SYS_fcntl, fd, F_SETFL, flags);
    return fd;
}

}  // namespace

pipe_reader pipe_reader::open(std::string_view path) {
    pipe_reader result{
        descriptor(open_fifo(detail::path_for("pipe_reader::open", path), O_RDONLY))};
    result.awaits_writer_ = true;
    return result;
}

std::size_t pipe_reader::read(bytes_out out) {
    const int fd = number_of(fd_, "pipe_reader::read");
    if (out.size() == 0) return 0;
    // A FIFO that nobody has opened for writing yet would read as one that all writers have left.
    if (awaits_writer_) static_cast<void>(detail::ops::poll(fd, POLLIN));
    awaits_writer_ = false;
    const ssize_t count = detail::ops::read(fd, out.data(), out.size());
    if (count < 0) throw_io_error(static_cast<int>(-count), "read from", name_of(fd));
    return static_cast<std::size_t>(count);
}

pipe_writer pipe_writer::open(std::string_view path) {
    const std::string name = detail::path_for("pipe_writer::open", path);
    for (;;) {
        descriptor fd(open_fifo(name, O_WRONLY));
        if (fd.get() >= 0) return pipe_writer(std::move(fd));
        sleep(std::chrono::milliseconds(10));
    }
}

std::size_t pipe_writer::write_some(bytes_view data) {
    for (;;) {
        const int fd = number_of(fd_, "pipe_writer::write");
        if (data.size() == 0) return 0;
        const int events = detail::ops::poll(fd, POLLOUT);
        const int count = events < 0 ? events : detail::try_write_to_pipe(fd, data);
        if (count == detail::would_block) continue;  // somebody else has filled it meanwhile
        if (count < 0) throw_io_error(-count, "write to", name_of(fd));
        return static_cast<std::size_t>(count);
    }
}

void pipe_writer::write(bytes_view data) {
    std::string_view rest(static_cast<const char*>(data.data()), data.size());
    while (!rest.empty()) rest.remove_prefix(write_some(rest));
}

pipe_ends pipe() {
    int fds[2] = {-1, -1};
    const int status = raw_call(SYS_pipe2, fds, O_CLOEXEC);
    if (status < 0) throw_io_error(-status, "pipe", "");
    return {pipe_reader(descriptor(fds[0])), pipe_writer(descriptor(fds[1]))};
}

}  // namespace brio::inline v0::io
