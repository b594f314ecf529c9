#pragma once

#include <cstddef>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace bench {

/// CPU seconds this process has used so far, on all of its threads.
[[nodiscard]] double process_cpu_seconds();

/// Seconds on the monotonic clock.
[[nodiscard]] double monotonic_seconds();

/// What the kernel holds for this process now, in bytes.
struct memory {
    double resident;
    double page_tables;
};
[[nodiscard]] memory memory_now();

/// What the machine can still give out, in bytes.
[[nodiscard]] double available_memory();

/// The first and the last CPU this process may use. Throws std::runtime_error where there is only
/// one.
[[nodiscard]] std::pair<int, int> two_cpus();

/// Keeps this thread, and the children it starts, on one CPU.
void pin_to_cpu(int cpu);

/// The directory of this program, with a '/' at its end.
[[nodiscard]] std::string program_directory();

/// A running child process. The destructor waits for its end.
class child_process {
public:
    /// The program's path, then its arguments. Throws std::system_error.
    explicit child_process(std::vector<std::string> command);
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    ~child_process();

    /// All that the child writes to its standard output, until it closes it.
    [[nodiscard]] std::string read_output();
    /// Waits for the end; whether the child ended with status 0.
    [[nodiscard]] bool succeeded();

private:
    pid_t pid_ = -1;
    int output_ = -1;
};

}  // namespace bench
