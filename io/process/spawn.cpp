#include "process/spawn.hpp"

#include "net/failure.hpp"
#include "process/find_program.hpp"
#include "reactor/raw_call.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <spawn.h>
#include <stdexcept>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

namespace brio::inline v0 {

subprocess::environment subprocess::current_environment() {
    environment all;
    for (char** each = ::environ; each != nullptr && *each != nullptr; ++each) {
        const std::string_view line = *each;
        const std::size_t end = line.find('=');
        if (end != std::string_view::npos) all.emplace(line.substr(0, end), line.substr(end + 1));
    }
    return all;
}

namespace detail {

namespace {

/// What libc does in the child, in this order.
class file_actions {
public:
    explicit file_actions(const std::string& program) : program_(program) {
        require(::posix_spawn_file_actions_init(&all_));
    }
    file_actions(const file_actions&) = delete;
    file_actions& operator=(const file_actions&) = delete;
    ~file_actions() { ::posix_spawn_file_actions_destroy(&all_); }

    void change_directory(int fd) { require(::posix_spawn_file_actions_addfchdir_np(&all_, fd)); }
    /// `to` == `from`: takes O_CLOEXEC away.
    void duplicate(int from, int to) {
        require(::posix_spawn_file_actions_adddup2(&all_, from, to));
    }
    /// Closes every descriptor above 2 but these.
    void close_all_but(std::vector<int> kept) {
        std::sort(kept.begin(), kept.end());
        int next = STDERR_FILENO + 1;
        for (const int fd : kept) {
            for (; next < fd; ++next) require(::posix_spawn_file_actions_addclose(&all_, next));
            next = std::max(next, fd + 1);
        }
        require(::posix_spawn_file_actions_addclosefrom_np(&all_, next));
    }
    [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &all_; }

private:
    void require(int error) const {
        if (error != 0) throw_io_error(error, "start", program_);
    }

    const std::string& program_;
    posix_spawn_file_actions_t all_;
};

class attributes {
public:
    explicit attributes(const subprocess::options& how) {
        ::posix_spawnattr_init(&all_);  // like those below, only fails for bad arguments
        int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
        if (how.start_new_session) flags |= POSIX_SPAWN_SETSID;
        if (how.process_group) flags |= POSIX_SPAWN_SETPGROUP;
        ::posix_spawnattr_setflags(&all_, static_cast<short>(flags));
        ::posix_spawnattr_setpgroup(&all_, how.process_group.value_or(0));
        sigset_t signals;
        ::sigemptyset(&signals);
        ::posix_spawnattr_setsigmask(&all_, &signals);
        ::sigaddset(&signals, SIGPIPE);
        ::sigaddset(&signals, SIGXFSZ);
        ::posix_spawnattr_setsigdefault(&all_, &signals);
    }
    attributes(const attributes&) = delete;
    attributes& operator=(const attributes&) = delete;
    ~attributes() { ::posix_spawnattr_destroy(&all_); }
    [[nodiscard]] const posix_spawnattr_t* get() const noexcept { return &all_; }

private:
    posix_spawnattr_t all_;
};

bool has_zero_byte(const std::string& text) {
    return text.find('\0') != std::string::npos;
}

void require_valid(const std::vector<std::string>& arguments, const subprocess::options& how) {
    if (arguments.empty()) throw std::invalid_argument("subprocess: there is no program to start");
    if (std::any_of(arguments.begin(), arguments.end(), has_zero_byte) ||
        has_zero_byte(how.executable) || has_zero_byte(how.cwd))
        throw std::invalid_argument("subprocess: an argument or a path has a 0 byte in it");
    if (!how.env) return;
    for (const auto& [name, value] : *how.env)
        if (name.empty() || name.find('=') != std::string::npos || has_zero_byte(name) ||
            has_zero_byte(value))
            throw std::invalid_argument("subprocess: not an environment variable: " + name);
}

/// The array of pointers that exec takes.
std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
    std::vector<char*> all;
    all.reserve(texts.size() + 1);
    for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
    all.push_back(nullptr);
    return all;
}

std::vector<std::string> lines_of(const subprocess::environment& env) {
    std::vector<std::string> all;
    for (const auto& [name, value] : env) all.emplace_back(name).append("=").append(value);
    return all;
}

std::string path_for(const subprocess::options& how) {
    constexpr const char* usual = "/bin:/usr/bin";  // Python's os.defpath
    if (!how.env) {
        const char* const own = std::getenv("PATH");
        return own != nullptr ? own : usual;
    }
    const auto found = how.env->find("PATH");
    return found != how.env->end() ? found->second : usual;
}

/// A handle for the working directory; none: it stays ours.
io::descriptor open_directory(const std::string& path) {
    if (path.empty()) return {};
    const int fd =
        raw_call(SYS_openat, AT_FDCWD, path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) throw_io_error(-fd, "chdir", path);
    return io::descriptor(fd);
}

/// Rule 3.
void kill_unwatched(pid_t pid) noexcept {
    raw_call(SYS_kill, pid, SIGKILL);
    while (raw_call(SYS_wait4, pid, 0, 0, 0) == -EINTR) {
    }
}

spawned with_pidfd(pid_t pid) {
    const int fd = raw_call(SYS_pidfd_open, pid, 0);
    if (fd >= 0 || fd == -ESRCH) return {pid, io::descriptor(fd)};
    kill_unwatched(pid);
    throw_io_error(-fd, "pidfd_open", "");
}

}  // namespace

spawned spawn(const std::vector<std::string>& arguments, const subprocess::options& how,
              const standard_streams& streams) {
    require_valid(arguments, how);
    const std::string& program = how.executable.empty() ? arguments[0] : how.executable;
    const io::descriptor directory = open_directory(how.cwd);
    const std::string file =
        find_program(program, path_for(how), how.cwd.empty() ? AT_FDCWD : directory.get());

    file_actions actions(program);
    if (!how.cwd.empty()) actions.change_directory(directory.get());
    for (int i = 0; i < 3; ++i)
        if (const int from = streams.childs[static_cast<std::size_t>(i)].get(); from >= 0)
            actions.duplicate(from, i);
    for (const int fd : how.pass_fds) actions.duplicate(fd, fd);
    if (how.close_fds) actions.close_all_but(how.pass_fds);

    const std::vector<std::string> variables =
        how.env ? lines_of(*how.env) : std::vector<std::string>();
    const std::vector<char*> argv = pointers_to(arguments);
    const std::vector<char*> env = pointers_to(variables);
    pid_t pid = -1;
    const int error = ::posix_spawn(&pid, file.c_str(), actions.get(), attributes(how).get(),
                                    argv.data(), how.env ? env.data() : ::environ);
    if (error != 0) throw_io_error(error, "start", program);
    return with_pidfd(pid);
}

}  // namespace detail
}  // namespace brio::inline v0
