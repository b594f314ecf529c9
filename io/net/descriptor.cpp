#include "scheduler/scheduler.hpp"

#include <brio/io/descriptor.hpp>

#include <cerrno>
#include <sys/syscall.h>
#include <unistd.h>

namespace brio::inline v0::io {

void descriptor::close() noexcept {
    if (fd_ < 0) return;
    const int saved = errno;
    if (detail::scheduler* const here = detail::this_scheduler()) here->forget_descriptor(fd_);
    ::syscall(SYS_close, std::exchange(fd_, -1));
    errno = saved;
}

}  // namespace brio::inline v0::io
