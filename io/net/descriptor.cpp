#include <brio/io/descriptor.hpp>

#include <cerrno>
#include <sys/syscall.h>
#include <unistd.h>

namespace brio::inline v0::io {

void descriptor::close() noexcept {
    if (fd_ < 0) return;
    const int saved = errno;
    ::syscall(SYS_close, std::exchange(fd_, -1));
    errno = saved;
}

}  // namespace brio::inline v0::io
