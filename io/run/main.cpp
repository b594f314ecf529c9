// brio-run PROGRAM ARGS...: runs a program that knows nothing of Brio under the preloaded layer, with main()
// on a fiber. It becomes that program, so whatever waits for it sees the program itself.
//
// Exit status as of env and timeout: 125 for what is wrong here, 126 for a program that cannot be run, 127 for
// one that is not found.

#include "process/find_program.hpp"
#include "run/program_file.hpp"

#include <brio/version.hpp>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>

namespace {

constexpr int refused = 125;
constexpr int not_runnable = 126;
constexpr int not_found = 127;

constexpr std::string_view usage_text =
    R"(usage: brio-run [--audit] [--stats] [--reactor io_uring|epoll] PROGRAM [ARGUMENTS...]

Runs the program with main() on a fiber: its blocking calls suspend fibers instead of the thread.
  --audit         tells at the end of each system call that has blocked the main thread unseen
  --stats         tells at the end, on standard error, how many calls have waited
  --reactor NAME  waits by io_uring or by epoll
)";

[[noreturn]] void refuse(const std::string& text) {
    std::cerr << "brio-run: " << text << '\n';
    std::exit(refused);
}

/// The options, in the form of environment variables; returns the index of the program's name.
int take_options(int count, char** arguments) {
    int next = 1;
    for (; next < count && arguments[next][0] == '-'; ++next) {
        const std::string_view option = arguments[next];
        if (option == "--") return next + 1;
        if (option == "--help") {
            std::cout << usage_text;
            std::exit(0);
        }
        if (option == "--audit")
            ::setenv("BRIO_RUN_AUDIT", "1", 1);
        else if (option == "--stats")
            ::setenv("BRIO_RUN_STATS", "1", 1);
        else if (option == "--reactor" && next + 1 < count)
            ::setenv("BRIO_REACTOR", arguments[++next], 1);
        else
            refuse(std::string(option) + ": no such option, or nothing behind it\n" +
                   std::string(usage_text));
    }
    return next;
}

/// Beside this program in the build tree; in the installed package where libraries are.
std::string find_layer() {
    std::string here(4096, '\0');
    const ssize_t size = ::readlink("/proc/self/exe", here.data(), here.size());
    if (size < 0) refuse("/proc/self/exe cannot be read");
    here.resize(static_cast<std::size_t>(size));
    here.resize(here.rfind('/') + 1);
    for (const char* const directory : {"", BRIO_RUN_TO_LIBRARIES "/"}) {
        std::string found = here + directory + BRIO_RUN_LAYER;
        if (::access(found.c_str(), R_OK) == 0) return found;
    }
    refuse(BRIO_RUN_LAYER " is neither in " + here + " nor in " + here + BRIO_RUN_TO_LIBRARIES);
}

void preload(const std::string& layer) {
    if (layer.find_first_of(" :") != std::string::npos)
        refuse("the loader cannot preload a path with blanks or colons: " + layer);
    const char* const before = std::getenv("LD_PRELOAD");
    const std::string all = before == nullptr || *before == '\0' ? layer : layer + ":" + before;
    ::setenv("LD_PRELOAD", all.c_str(), 1);
    ::setenv("BRIO_PRELOAD_MAIN", "1", 1);
}

std::string find(const std::string& name) try {
    const char* const path = std::getenv("PATH");
    return brio::detail::find_program(name, path == nullptr ? "/bin:/usr/bin" : path, AT_FDCWD);
} catch (const std::system_error& e) {
    std::cerr << "brio-run: " << name << ": " << std::strerror(e.code().value()) << '\n';
    std::exit(e.code().value() == ENOENT ? not_found : not_runnable);
}

void check(const std::string& program) try {
    const std::string why = brio::detail::why_not_preloadable(program);
    if (!why.empty()) refuse(program + ": " + why);
} catch (const std::system_error& e) {
    // Executable, but not to be read: the kernel may run it, and nobody can tell what it is.
    refuse(program +
           ": cannot be read, so it cannot be checked: " + std::strerror(e.code().value()));
}

}  // namespace

int main(int count, char** arguments) {
    const int first = take_options(count, arguments);
    if (first >= count) refuse("no program is named\n" + std::string(usage_text));
    const std::string program = find(arguments[first]);
    if (::access(program.c_str(), F_OK) == 0 && ::access(program.c_str(), X_OK) == 0)
        check(program);
    preload(find_layer());
    ::execvp(program.c_str(), arguments + first);
    const int error = errno;
    std::cerr << "brio-run: " << program << ": " << std::strerror(error) << '\n';
    return error == ENOENT ? not_found : not_runnable;
}
