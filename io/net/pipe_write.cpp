#include "net/pipe_write.hpp"

#include "reactor/direct_call.hpp"
#include "reactor/raw_call.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>

namespace brio::inline v0::detail {
namespace {

/// While it lives this thread gets no SIGPIPE. A signal set, as the kernel has it, is one word.
class sigpipe_block {
public:
    sigpipe_block() noexcept {
        raw_call(SYS_rt_sigpending, &pending_, sizeof pending_);
        raw_call(SYS_rt_sigprocmask, SIG_BLOCK, &sigpipe, &before_, sizeof before_);
    }
    sigpipe_block(const sigpipe_block&) = delete;
    sigpipe_block& operator=(const sigpipe_block&) = delete;
    ~sigpipe_block() { raw_call(SYS_rt_sigprocmask, SIG_SETMASK, &before_, 0, sizeof before_); }
    /// Takes back the one that has been raised; not one that was there before.
    void discard() const noexcept {
        const timespec at_once = {};
        if ((pending_ & sigpipe) == 0)
            raw_call(SYS_rt_sigtimedwait, &sigpipe, 0, &at_once, sizeof sigpipe);
    }

private:
    static constexpr std::uint64_t sigpipe = std::uint64_t{1} << (SIGPIPE - 1);
    std::uint64_t pending_ = 0;
    std::uint64_t before_ = 0;
};

}  // namespace

int try_write_to_pipe(int fd, bytes_view data) noexcept {
    operation op;
    op.what = operation::code::write;
    op.address = const_cast<void*>(data.data());
    op.length = static_cast<std::uint32_t>(std::min<std::size_t>(data.size(), INT32_MAX));
    const sigpipe_block quiet;
    const int result = try_call(op, fd);
    if (result == -EPIPE) quiet.discard();
    return result;
}

}  // namespace brio::inline v0::detail
