#pragma once
// A reactor without a loop: tests submit operations, call wait() as the loop would, and look at what
// came back. Every test runs on each reactor, and on an io_uring without the optional features.

#include "reactor/epoll.hpp"
#include "reactor/uring.hpp"
#include "scheduler/mailbox.hpp"
#include "scheduler/reactor.hpp"

#include <chrono>
#include <cstddef>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <ostream>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

namespace brio::testing_io {

using namespace brio::detail;
using code = operation::code;
using namespace std::chrono_literals;

enum class backend { io_uring, bare_io_uring, epoll };

inline std::string_view name_of(backend b) {
    constexpr std::string_view names[] = {"io_uring", "bare_io_uring", "epoll"};
    return names[static_cast<std::size_t>(b)];
}
inline std::ostream& operator<<(std::ostream& out, backend b) {
    return out << name_of(b);
}

inline constexpr ring_features no_ring_features{false, false, false, false, false};
static_assert(sizeof(ring_features) == 5, "a new one would be on here");

inline std::unique_ptr<reactor> make(backend b, mailbox& bell) {
    if (b == backend::epoll) return std::make_unique<epoll>(bell);
    return std::make_unique<uring>(bell,
                                   b == backend::io_uring ? ring_features{} : no_ring_features);
}

/// An operation that counts its completions, as nobody should have to.
struct request : operation {
    request() { completed = &count; }
    explicit request(operation op) : operation(op) { completed = &count; }
    request(const request&) = delete;
    request& operator=(const request&) = delete;

    [[nodiscard]] bool done() const { return completions == 1; }
    int completions = 0;

private:
    static void count(operation& op) noexcept { ++static_cast<request&>(op).completions; }
};

class descriptor {
public:
    explicit descriptor(int fd = -1) : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~descriptor() { close(); }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    [[nodiscard]] int get() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }

private:
    int fd_;
};

struct two_ends {
    descriptor first;   // of a pipe: reads
    descriptor second;  // of a pipe: writes
};
inline two_ends make_pipe() {
    int fds[2];
    EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    return {descriptor(fds[0]), descriptor(fds[1])};
}
inline two_ends make_socket_pair() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    return {descriptor(fds[0]), descriptor(fds[1])};
}

/// Listens on a free port of the loopback.
struct tcp_server {
    explicit tcp_server(int backlog = 16)
        : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        socklen_t size = sizeof address;
        ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
        EXPECT_EQ(::listen(socket.get(), backlog), 0);
    }
    [[nodiscard]] operation op_connect(int fd) const {
        return {.what = code::connect,
                .fd = fd,
                .address = const_cast<sockaddr_in*>(&address),
                .length = sizeof address};
    }
    descriptor socket;
    sockaddr_in address = {};
};

/// What each descriptor of the process stands for, by number.
inline std::map<std::string, std::string> open_descriptors() {
    std::map<std::string, std::string> found;
    for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;  // the iterator's own
        found[each.path().filename()] = std::filesystem::read_symlink(each.path(), gone);
    }
    return found;
}

template <class Parameter>
class reactor_fixture : public ::testing::TestWithParam<Parameter> {
protected:
    void start(backend which) {
        descriptors_before_ = open_descriptors();
        box_ = new mailbox;
        try {
            io_ = make(which, *box_);
        } catch (const std::system_error& e) {
            GTEST_SKIP() << e.what();
        }
    }
    void TearDown() override {
        io_.reset();
        box_->release();
        clean_up();
        // A file thread may hold the mailbox, with its eventfd, for the moment after its ring.
        const auto limit = std::chrono::steady_clock::now() + 10s;
        while (open_descriptors() != descriptors_before_ &&
               std::chrono::steady_clock::now() < limit)
            std::this_thread::yield();
        EXPECT_EQ(open_descriptors(), descriptors_before_) << "a descriptor has leaked";
    }

    /// What a test holds for its whole length goes here, after the reactor.
    virtual void clean_up() {}

    reactor& io() { return *io_; }
    mailbox& box() { return *box_; }
    void destroy_reactor() { io_.reset(); }

    void submit(request& r) { io().submit(r); }
    void turn() { io().wait(duration::zero()); }
    /// Everything that can happen without anybody's doing has happened afterwards.
    void settle() {
        for (int i = 0; i < 4; ++i) turn();
    }
    void wait_for(const std::function<bool()>& condition) {
        const auto limit = std::chrono::steady_clock::now() + 20s;
        while (!condition()) {
            ASSERT_LT(std::chrono::steady_clock::now(), limit) << "nothing happens";
            io().wait(100ms);
        }
    }
    int result_of(request& r) {
        wait_for([&] { return r.completions > 0; });
        EXPECT_EQ(r.completions, 1);
        return r.result;
    }
    int run(operation op) {
        request r(op);
        submit(r);
        return result_of(r);
    }

private:
    std::map<std::string, std::string> descriptors_before_;
    mailbox* box_ = nullptr;
    std::unique_ptr<reactor> io_;
};

class reactor_test : public reactor_fixture<backend> {
protected:
    void SetUp() override { start(GetParam()); }
};

inline const auto every_backend =
    ::testing::Values(backend::io_uring, backend::bare_io_uring, backend::epoll);
inline const auto backend_name = [](const ::testing::TestParamInfo<backend>& info) {
    return std::string(name_of(info.param));
};

inline operation op_read(int fd, void* to, std::size_t n, std::uint64_t offset = UINT64_MAX) {
    return {.what = code::read,
            .fd = fd,
            .address = to,
            .length = static_cast<std::uint32_t>(n),
            .offset = offset};
}
inline operation op_write(int fd, std::string_view text, std::uint64_t offset = UINT64_MAX) {
    return {.what = code::write,
            .fd = fd,
            .address = const_cast<char*>(text.data()),
            .length = static_cast<std::uint32_t>(text.size()),
            .offset = offset};
}
inline operation op_recv(int fd, void* to, std::size_t n, int flags = 0) {
    return {.what = code::recv,
            .fd = fd,
            .address = to,
            .length = static_cast<std::uint32_t>(n),
            .flags = static_cast<std::uint32_t>(flags)};
}
inline operation op_send(int fd, std::string_view text, int flags = 0) {
    return {.what = code::send,
            .fd = fd,
            .address = const_cast<char*>(text.data()),
            .length = static_cast<std::uint32_t>(text.size()),
            .flags = static_cast<std::uint32_t>(flags)};
}
inline operation op_poll(int fd, unsigned events) {
    return {.what = code::poll, .fd = fd, .flags = events};
}

}  // namespace brio::testing_io
