#pragma once
// Starting a program: posix_spawn, and a pidfd for what it has started.
//
// 1. None of our code runs in the child. What happens there between vfork and exec is libc's, with
//    all signals blocked; meanwhile the calling thread stands still, for the time of an exec.
// 2. The child begins with no signal blocked, and with SIGPIPE and SIGXFSZ at their defaults, as
//    Python's. What we ignore else stays ignored (nohup), what we handle gets its default.
// 3. After an exception there is no child, and no zombie.

#include "process/standard_streams.hpp"

#include <brio/io/descriptor.hpp>
#include <brio/subprocess_options.hpp>

#include <string>
#include <sys/types.h>
#include <vector>

namespace brio::inline v0::detail {

struct spawned {
    pid_t pid;
    io::descriptor pidfd;  // -1: it has ended and is gone, because this process ignores SIGCHLD
};

/// Throws std::system_error, which names the program, and std::invalid_argument.
[[nodiscard]] spawned spawn(const std::vector<std::string>& arguments,
                            const subprocess::options& how, const standard_streams& streams);

}  // namespace brio::inline v0::detail
