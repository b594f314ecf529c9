#pragma once
// Command lines, for tests of whole programs.

#include <cstdio>
#include <string>
#include <sys/wait.h>

namespace posix_tests {

struct ended {
    int status;        // as a shell gives it
    std::string text;  // standard output and error
};

/// Runs a command line; nothing of this process's loop or environment but what is named.
inline ended shell(const std::string& command) {
    std::FILE* const out = ::popen(("exec 2>&1; " + command).c_str(), "r");
    ended e = {};
    char room[4096];
    while (const std::size_t count = std::fread(room, 1, sizeof room, out))
        e.text.append(room, count);
    const int status = ::pclose(out);
    e.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return e;
}

}  // namespace posix_tests
