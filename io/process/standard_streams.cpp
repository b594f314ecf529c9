#include "process/standard_streams.hpp"

#include "net/failure.hpp"
#include "reactor/raw_call.hpp"

#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <utility>

namespace brio::inline v0::detail {

namespace {

using kind = subprocess::stdio::kind;

io::descriptor opened(int result, const char* call, const std::string& object) {
    if (result < 0) throw_io_error(-result, call, object);
    return io::descriptor(result);
}

io::descriptor duplicate(int fd) {
    return opened(raw_call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), "dup of",
                  "descriptor " + std::to_string(fd));
}

/// Rule 2.
io::descriptor above_standard(io::descriptor fd) {
    return fd.get() > STDERR_FILENO ? std::move(fd) : duplicate(fd.get());
}

io::descriptor open_devnull() {
    const char* const path = "/dev/null";
    return opened(raw_call(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0), "open", path);
}

/// Returns the child's end.
io::descriptor make_pipe(bool child_reads, io::descriptor& ours) {
    int ends[2];
    if (const int error = raw_call(SYS_pipe2, ends, O_CLOEXEC); error < 0)
        throw_io_error(-error, "pipe", "");
    io::descriptor read_end(ends[0]);
    io::descriptor write_end(ends[1]);
    ours = std::move(child_reads ? write_end : read_end);
    return std::move(child_reads ? read_end : write_end);
}

}  // namespace

standard_streams::standard_streams(const subprocess::options& wanted) {
    const std::array all = {wanted.stdin, wanted.stdout, wanted.stderr};
    for (std::size_t i = 0; i < all.size(); ++i) {
        switch (all[i].what()) {
            case kind::inherited:
                break;
            case kind::pipe:
                childs[i] = above_standard(make_pipe(i == STDIN_FILENO, ours[i]));
                break;
            case kind::devnull:
                childs[i] = above_standard(open_devnull());
                break;
            case kind::descriptor:
                childs[i] = duplicate(all[i].descriptor());
                break;
            case kind::stdout:
                if (i != STDERR_FILENO)
                    throw std::invalid_argument("subprocess: only stderr can go to stdout");
                const int out = childs[STDOUT_FILENO].get();
                childs[i] = duplicate(out >= 0 ? out : STDOUT_FILENO);
        }
    }
}

}  // namespace brio::inline v0::detail
