#pragma once
// An openssl command as a peer: what it prints is read, and what it is to send is written, by fibers.

#include "ops/ops.hpp"

#include <brio/io/descriptor.hpp>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace brio::testing_tls {

class process {
public:
    explicit process(std::vector<std::string> words) {
        int in[2], out[2];
        if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0)
            throw std::system_error(errno, std::system_category(), "pipe2");
        const io::descriptor child_in(in[0]), child_out(out[1]);
        input_ = io::descriptor(in[1]);
        output_ = io::descriptor(out[0]);

        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, child_in.get(), 0);
        ::posix_spawn_file_actions_adddup2(&actions, child_out.get(), 1);
        ::posix_spawn_file_actions_adddup2(&actions, child_out.get(), 2);
        std::vector<char*> arguments;
        for (std::string& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        const int error =
            ::posix_spawnp(&id_, arguments[0], &actions, nullptr, arguments.data(), environ);
        ::posix_spawn_file_actions_destroy(&actions);
        if (error != 0) throw std::system_error(error, std::system_category(), arguments[0]);
    }
    process(const process&) = delete;
    process& operator=(const process&) = delete;
    ~process() {
        if (id_ == 0) return;
        ::kill(id_, SIGKILL);
        ::waitpid(id_, nullptr, 0);
    }

    void write(std::string_view text) {
        while (!text.empty()) {
            const ssize_t n = detail::ops::write(input_.get(), text.data(), text.size());
            if (n < 0) throw std::system_error(static_cast<int>(-n), std::system_category());
            text.remove_prefix(static_cast<std::size_t>(n));
        }
    }
    void end_input() { input_.close(); }

    /// Reads until `text` has been printed; returns all that was printed until then.
    const std::string& read_until(std::string_view text) {
        while (printed_.find(text) == printed_.npos && read_some()) {
        }
        return printed_;
    }
    /// All that it has printed, and its exit status, when it has ended by itself.
    std::pair<std::string, int> wait() {
        while (read_some()) {
        }
        int status = 0;
        ::waitpid(std::exchange(id_, 0), &status, 0);
        return {printed_, WEXITSTATUS(status)};
    }

private:
    bool read_some() {
        std::array<char, 4096> part;
        const ssize_t n = detail::ops::read(output_.get(), part.data(), part.size());
        if (n > 0) printed_.append(part.data(), static_cast<std::size_t>(n));
        return n > 0;
    }

    pid_t id_ = 0;
    io::descriptor input_, output_;
    std::string printed_;
};

}  // namespace brio::testing_tls
