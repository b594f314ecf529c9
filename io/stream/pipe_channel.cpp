// A pipe, FIFO or terminal as a channel.

#include "net/failure.hpp"
#include "net/pipe_write.hpp"
#include "reactor/direct_call.hpp"
#include "stream/descriptor_channel.hpp"
#include "stream/make_stream.hpp"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/stat.h>

namespace brio::inline v0::detail {

namespace {

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
        const int result = try_write_to_pipe(descriptor(), data);
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
