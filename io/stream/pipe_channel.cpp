// A pipe, FIFO or terminal as a channel.
//
// A write to a pipe that nobody reads raises SIGPIPE on the thread that makes the call; with a ring
// that may be any. So writes are made here, when there is room, with the signal held back.

#include "net/failure.hpp"
#include "reactor/direct_call.hpp"
#include "stream/descriptor_channel.hpp"
#include "stream/make_stream.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace brio::inline v0::detail {

namespace {

/// While one lives, this thread gets no SIGPIPE; one that came meanwhile is taken away.
class no_sigpipe {
public:
    no_sigpipe() noexcept {
        ::sigemptyset(&pipe_);
        ::sigaddset(&pipe_, SIGPIPE);
        sigset_t pending;
        ::sigpending(&pending);
        was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    no_sigpipe(const no_sigpipe&) = delete;
    no_sigpipe& operator=(const no_sigpipe&) = delete;
    ~no_sigpipe() {
        const timespec at_once{};
        if (!was_pending_)
            while (::sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) continue;
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

private:
    sigset_t pipe_;
    sigset_t before_;
    bool was_pending_;
};

class pipe_channel final : public descriptor_channel {
public:
    pipe_channel(io::descriptor fd, std::string name)
        : descriptor_channel(std::move(fd), std::move(name)),
          only_writes_((::fcntl(descriptor(), F_GETFL) & O_ACCMODE) == O_WRONLY) {}

    std::size_t read(bytes_out out) override {
        const operation op = transfer(operation::code::read, out.data(), out.size());
        return counted(perform_here(reading, op, "read"), "read from");
    }
    std::size_t write(bytes_view data) override {
        for (;;) {
            const operation room{.what = operation::code::poll, .flags = POLLOUT};
            (void)counted(perform_here(writing, room, "write"), "write to");
            if (const std::size_t count = try_write(data)) return count;
        }
    }
    std::size_t try_write(bytes_view data) override {
        const operation op = transfer(operation::code::write, data.data(), data.size());
        const no_sigpipe quiet;
        const int result = try_call(op, descriptor());
        return result == would_block ? 0 : counted(result, "write to");
    }
    [[nodiscard]] bool can_write_eof() const noexcept override { return only_writes_; }
    void write_eof() override { close(); }
    [[nodiscard]] std::string extra_info(std::string_view) const override { return {}; }

private:
    bool only_writes_;
};

}  // namespace

byte_channel* make_pipe_channel(io::descriptor fd) {
    const std::string name = "descriptor " + std::to_string(fd.get());
    struct stat file {};
    if (::fstat(fd.get(), &file) != 0) throw_io_error(errno, "fstat of", name);
    if (S_ISREG(file.st_mode) || S_ISDIR(file.st_mode) || S_ISBLK(file.st_mode))
        throw std::invalid_argument("a stream needs a pipe, a FIFO or a terminal, not a file");
    return new pipe_channel(std::move(fd), name);
}

}  // namespace brio::inline v0::detail
