#pragma once
// Pipes and socket pairs whose two ends a test holds.

#include <array>
#include <gtest/gtest.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace brio_tests {

class two_ends {
public:
    two_ends() {
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data()), 0);
    }
    two_ends(const two_ends&) = delete;
    two_ends& operator=(const two_ends&) = delete;
    ~two_ends() {
        for (const int fd : ends_) ::close(fd);
    }
    /// The end that the loop has.
    [[nodiscard]] int near() const { return ends_[0]; }
    [[nodiscard]] int far() const { return ends_[1]; }

    void send(std::string_view text) const {
        EXPECT_EQ(::send(far(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    }
    /// What is there at the near end.
    [[nodiscard]] std::string take(std::size_t most = 64) const {
        std::string text(most, '\0');
        const ssize_t n = ::recv(near(), text.data(), most, MSG_DONTWAIT);
        return text.substr(0, n > 0 ? static_cast<std::size_t>(n) : 0);
    }

private:
    std::array<int, 2> ends_{-1, -1};
};

/// Whether `fd` is readable now.
inline bool readable(int fd) {
    pollfd p{fd, POLLIN, 0};
    return ::poll(&p, 1, 0) == 1;
}

}  // namespace brio_tests
