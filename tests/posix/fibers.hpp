#pragma once
// What the tests of the libc layer have in common.

#include <brio/brio.hpp>
#include <brio/testing.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <gmock/gmock.h>
#include <gnu/libc-version.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <ostream>
#include <stdexcept>
#include <string>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace posix_tests {

/// A call of libc as its caller sees it.
struct observed {
    long result;
    int error;  // errno; 0 when it was left alone
    bool operator==(const observed&) const = default;
};
inline std::ostream& operator<<(std::ostream& out, const observed& o) {
    return out << o.result << " with errno " << o.error << " (" << strerrorname_np(o.error) << ")";
}

template <class F>
observed observe(F&& call) {
    constexpr int untouched = 12345;
    errno = untouched;
    const long result = call();
    return {result, errno == untouched ? 0 : errno};
}

/// The call on a thread without a loop: libc's own.
template <class F>
observed on_thread(F&& call) {
    observed seen = {};
    std::thread([&] { seen = observe(call); }).join();
    return seen;
}

/// The call in a task, alone.
template <class F>
observed on_fiber(F&& call) {
    return brio::run([&] { return observe(call); });
}

/// A value that the compiler cannot see through, so that it does not warn of wrong calls.
template <class T>
T unforeseen(T value) {
    asm volatile("" : "+r"(value));
    return value;
}
/// An address where nothing is.
inline char* nowhere() {
    return unforeseen(reinterpret_cast<char*>(1));
}

/// The call on a fiber and on a thread: the same answer.
template <class F>
void expect_same(F&& call, const char* what) {
    const observed here = on_fiber(call);
    EXPECT_EQ(here, on_thread(call)) << what;
}

/// Whether libc's stdio is the one that the layer knows: there it has to suspend, and is not to be skipped.
inline bool has_known_stdio() {
    return std::string(::gnu_get_libc_version()) == "2.36";
}
/// Whether the kernel has Syscall User Dispatch, asked without the layer.
inline bool has_syscall_dispatch() {
#if defined(__x86_64__)
    constexpr int set_dispatch = 59;  // PR_SET_SYSCALL_USER_DISPATCH
    return ::prctl(set_dispatch, 0, 0, 0, 0) == 0;
#else
    return false;
#endif
}
/// Whether a thread of this process waits in the kernel.
inline bool is_asleep(pid_t thread) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
    std::string line;
    std::getline(file, line);
    const auto name_end = line.rfind(')');
    return name_end != std::string::npos && line.compare(name_end, 3, ") S") == 0;
}

/// Lets everybody who can run do so, I/O included.
inline void let_others_run() {
    for (int turn = 0; turn < 20; ++turn) brio::yield();
}

/// Owns a descriptor.
class descriptor {
public:
    explicit descriptor(int fd) : fd_(fd) {
        if (fd < 0) throw std::system_error(errno, std::system_category(), "descriptor");
    }
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~descriptor() { close(); }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    operator int() const { return fd_; }

private:
    int fd_;
};

struct two_ends {
    descriptor first;   // a pipe's reading end
    descriptor second;  // its writing end
};
inline two_ends make_pipe(int flags = 0) {
    std::array<int, 2> ends = {-1, -1};
    EXPECT_EQ(::pipe2(ends.data(), flags), 0);
    return {descriptor(ends[0]), descriptor(ends[1])};
}
inline two_ends make_socketpair(int type = SOCK_STREAM) {
    std::array<int, 2> ends = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, type, 0, ends.data()), 0);
    return {descriptor(ends[0]), descriptor(ends[1])};
}

inline sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}
/// A TCP socket that listens on loopback, and its port.
struct listener {
    explicit listener(int backlog = 16) : fd(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address = loopback(0);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(fd, backlog), 0);
        EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
        port = ntohs(address.sin_port);
    }
    descriptor fd;
    std::uint16_t port = 0;
};
inline int connect_to(int fd, std::uint16_t port) {
    const sockaddr_in address = loopback(port);
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

/// A UDP socket on loopback.
struct udp_socket {
    udp_socket() : fd(::socket(AF_INET, SOCK_DGRAM, 0)) {
        address = loopback(0);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
    }
    [[nodiscard]] const sockaddr* name() const {
        return reinterpret_cast<const sockaddr*>(&address);
    }
    descriptor fd;
    sockaddr_in address;
};

/// SO_RCVTIMEO or SO_SNDTIMEO.
inline void set_timeout(int fd, int option, std::chrono::microseconds length) {
    const timeval limit = {std::chrono::duration_cast<std::chrono::seconds>(length).count(),
                           (length % std::chrono::seconds(1)).count()};
    ASSERT_EQ(::setsockopt(fd, SOL_SOCKET, option, &limit, sizeof limit), 0);
}

/// A file that is gone from its directory, with `text` in it, to be read from the start.
inline descriptor make_file(const std::string& text, int flags = 0) {
    char name[] = "/tmp/brio-posix-XXXXXX";
    descriptor file(::mkostemp(name, flags));
    ::unlink(name);
    EXPECT_EQ(::pwrite(file, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    return file;
}

/// Counts a signal of the process while it lives; one at a time.
class signal_counter {
public:
    explicit signal_counter(int signal) : signal_(signal) {
        count = 0;
        struct sigaction ours = {};
        ours.sa_handler = [](int) { count = count + 1; };
        ::sigaction(signal, &ours, &before_);
    }
    signal_counter(const signal_counter&) = delete;
    signal_counter& operator=(const signal_counter&) = delete;
    ~signal_counter() { ::sigaction(signal_, &before_, nullptr); }
    static inline volatile sig_atomic_t count = 0;

private:
    int signal_;
    struct sigaction before_;
};

inline std::string read_all(int fd, std::size_t size) {
    std::string all(size, '\0');
    std::size_t done = 0;
    while (done < size) {
        const ssize_t count = ::read(fd, &all[done], size - done);
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    all.resize(done);
    return all;
}

inline std::string numbered(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 2654435761U >> 24U);
    return text;
}

}  // namespace posix_tests
