// What the benchmarks ask the kernel about processes: clocks, memory, CPUs and children.

#include "process.hpp"

#include <array>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <sched.h>
#include <spawn.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace bench {
namespace {

[[noreturn]] void throw_error(int error, const std::string& what) {
    throw std::system_error(error, std::generic_category(), what);
}

double seconds_on(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
}

/// The value in bytes of a line such as "VmPTE:      52 kB".
double bytes_from(const char* file, std::string_view key) {
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(key)) return std::stod(line.substr(key.size())) * 1024;
    }
    throw std::runtime_error(std::string(file) + " has no line " + std::string(key));
}

std::string program_path() {
    std::string path(4096, '\0');
    const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
    if (length < 0) throw_error(errno, "readlink /proc/self/exe");
    path.resize(std::size_t(length));
    return path;
}

}  // namespace

double process_cpu_seconds() {
    return seconds_on(CLOCK_PROCESS_CPUTIME_ID);
}

double monotonic_seconds() {
    return seconds_on(CLOCK_MONOTONIC);
}

memory memory_now() {
    // smaps_rollup walks the pages; the counters behind VmRSS lag by some dozens of pages.
    return {bytes_from("/proc/self/smaps_rollup", "Rss:"),
            bytes_from("/proc/self/status", "VmPTE:")};
}

double available_memory() {
    return bytes_from("/proc/meminfo", "MemAvailable:");
}

std::pair<int, int> two_cpus() {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        throw_error(errno, "sched_getaffinity");
    if (CPU_COUNT(&allowed) < 2) throw std::runtime_error("needs two CPUs, may use only one");
    int first = 0;
    while (!CPU_ISSET(first, &allowed)) ++first;
    int last = CPU_SETSIZE - 1;
    while (!CPU_ISSET(last, &allowed)) --last;
    return {first, last};
}

void pin_to_cpu(int cpu) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0)
        throw_error(errno, "sched_setaffinity to CPU " + std::to_string(cpu));
}

std::string program_directory() {
    const std::string path = program_path();
    return path.substr(0, path.rfind('/') + 1);
}

child_process::child_process(std::vector<std::string> command) {
    std::array<int, 2> pipe_ends{};
    if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) throw_error(errno, "pipe2");
    output_ = pipe_ends[0];

    std::vector<char*> arguments;
    for (auto& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    const int error =
        posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_ends[1]);
    if (error != 0) {
        close(output_);
        throw_error(error, "posix_spawn " + command[0]);
    }
}

child_process::~child_process() {
    close(output_);
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
}

std::string child_process::read_output() {
    std::string output;
    std::array<char, 4096> part{};
    ssize_t count = 0;
    while ((count = read(output_, part.data(), part.size())) > 0)
        output.append(part.data(), std::size_t(count));
    return output;
}

bool child_process::succeeded() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace bench
