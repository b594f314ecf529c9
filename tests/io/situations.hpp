#pragma once
// Operations that block, each with what lets it go on, and a balance at the end: what the operation
// says it did and what is left must add up to everything, whoever won the race.

#include "io/reactor_fixture.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/poll.h>
#include <sys/uio.h>
#include <sys/un.h>

namespace brio::testing_io {

inline int bytes_in(int fd) {
    int count = 0;
    EXPECT_EQ(::ioctl(fd, FIONREAD, &count), 0);
    return count;
}

class situation {
public:
    situation() = default;
    situation(const situation&) = delete;
    situation& operator=(const situation&) = delete;
    virtual ~situation() = default;

    /// It blocks until allow().
    virtual operation op() = 0;
    virtual void allow() = 0;
    /// After allow() and the end of the operation. Leaves everything as it was at the beginning.
    virtual void check(int result) = 0;
};

/// Reads of some kind: allow() brings `payload`, which is read or still there.
class reading : public situation {
public:
    static constexpr std::string_view payload = "payload";

    reading(two_ends ends, code what) : ends_(std::move(ends)), what_(what) { unused_ = buffer_; }

    operation op() override {
        buffer_ = unused_;
        part_ = {buffer_.data(), buffer_.size()};
        message_ = {};
        message_.msg_iov = &part_;
        message_.msg_iovlen = 1;
        switch (what_) {
            case code::readv:
                return {.what = what_, .fd = fd(), .address = &part_, .length = 1};
            case code::recvmsg:
                return {.what = what_, .fd = fd(), .address = &message_};
            default:
                return {.what = what_,
                        .fd = fd(),
                        .address = buffer_.data(),
                        .length = static_cast<std::uint32_t>(buffer_.size())};
        }
    }
    void allow() override {
        ASSERT_EQ(::write(ends_.second.get(), payload.data(), payload.size()),
                  static_cast<ssize_t>(payload.size()));
    }
    void check(int result) override {
        if (result == -ECANCELED) {
            EXPECT_TRUE(buffer_ == unused_) << "cancelled, and the buffer was written to";
            ASSERT_EQ(::read(fd(), buffer_.data(), buffer_.size()),
                      static_cast<ssize_t>(payload.size()));
        } else {
            EXPECT_EQ(result, static_cast<int>(payload.size()));
        }
        EXPECT_EQ(std::string_view(buffer_.data(), payload.size()), payload);
        EXPECT_EQ(bytes_in(fd()), 0);
    }

private:
    [[nodiscard]] int fd() const { return ends_.first.get(); }

    two_ends ends_;
    code what_;
    std::array<char, 32> buffer_{}, unused_{};
    iovec part_{};
    msghdr message_{};
};

/// Writes of some kind into what is full: allow() empties it, and the text arrives or does not.
class writing : public situation {
public:
    writing(two_ends ends, code what) : ends_(std::move(ends)), what_(what) { fill(); }

    operation op() override {
        part_ = {text_.data(), text_.size()};
        message_ = {};
        message_.msg_iov = &part_;
        message_.msg_iovlen = 1;
        switch (what_) {
            case code::writev:
                return {.what = what_, .fd = fd(), .address = &part_, .length = 1};
            case code::sendmsg:
                return {.what = what_, .fd = fd(), .address = &message_};
            default:
                return {.what = what_,
                        .fd = fd(),
                        .address = text_.data(),
                        .length = static_cast<std::uint32_t>(text_.size())};
        }
    }
    void allow() override { EXPECT_GT(drain(filling_), 0U); }
    void check(int result) override {
        EXPECT_EQ(drain(1 << 20), static_cast<std::size_t>(result == -ECANCELED ? 0 : result));
        EXPECT_TRUE(result == -ECANCELED || result == static_cast<int>(text_.size()));
        fill();
    }

private:
    [[nodiscard]] int fd() const { return ends_.second.get(); }
    void fill() {
        const int mode = ::fcntl(fd(), F_GETFL);
        ::fcntl(fd(), F_SETFL, mode | O_NONBLOCK);
        const std::string page(4096, '.');
        filling_ = 0;
        for (ssize_t n; (n = ::write(fd(), page.data(), page.size())) > 0;)
            filling_ += static_cast<std::size_t>(n);
        while (::write(fd(), page.data(), 1) == 1) ++filling_;
        ::fcntl(fd(), F_SETFL, mode);
    }
    /// Reads at most `most` bytes of what is there.
    std::size_t drain(std::size_t most) {
        std::string sink(most, '\0');
        std::size_t sum = 0;
        pollfd readable = {ends_.first.get(), POLLIN, 0};
        while (sum < most && ::poll(&readable, 1, 0) == 1) {
            const ssize_t n = ::read(ends_.first.get(), sink.data(), most - sum);
            if (n <= 0) break;
            sum += static_cast<std::size_t>(n);
        }
        return sum;
    }

    two_ends ends_;
    code what_;
    std::size_t filling_ = 0;
    std::string text_ = "WXYZ";
    iovec part_{};
    msghdr message_{};
};

class reading_eventfd : public situation {
public:
    operation op() override { return op_read(fd_.get(), &count_, sizeof count_); }
    void allow() override { ASSERT_EQ(::eventfd_write(fd_.get(), 3), 0); }
    void check(int result) override {
        eventfd_t found = count_;
        if (result == -ECANCELED) {
            ASSERT_EQ(::eventfd_read(fd_.get(), &found), 0);
        }
        EXPECT_EQ(found, 3U);
    }

private:
    descriptor fd_{::eventfd(0, EFD_CLOEXEC)};
    eventfd_t count_ = 0;
};

/// A terminal: knows no non-blocking attempt of a single read.
class reading_terminal : public situation {
public:
    reading_terminal() : ours_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
        ::grantpt(ours_.get());
        ::unlockpt(ours_.get());
        char name[64];
        EXPECT_EQ(::ptsname_r(ours_.get(), name, sizeof name), 0);
        theirs_ = descriptor(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
        EXPECT_GE(theirs_.get(), 0);
    }
    operation op() override { return op_read(theirs_.get(), buffer_, sizeof buffer_); }
    void allow() override { ASSERT_EQ(::write(ours_.get(), "line\n", 5), 5); }
    void check(int result) override {
        if (result == -ECANCELED) {
            result = static_cast<int>(::read(theirs_.get(), buffer_, sizeof buffer_));
        }
        EXPECT_EQ(result, 5);
        EXPECT_EQ(std::string_view(buffer_, 5), "line\n");
        char echo[32];
        EXPECT_GT(::read(ours_.get(), echo, sizeof echo), 0);
    }

private:
    descriptor ours_, theirs_;
    char buffer_[32] = {};
};

class accepting : public situation {
public:
    operation op() override {
        size_ = sizeof peer_;
        return {.what = code::accept,
                .fd = server_.socket.get(),
                .address = &peer_,
                .flags = SOCK_CLOEXEC,
                .second = &size_};
    }
    void allow() override {
        client_ = descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ASSERT_EQ(::connect(client_.get(), reinterpret_cast<sockaddr*>(&server_.address),
                            sizeof server_.address),
                  0);
    }
    void check(int result) override {
        if (result == -ECANCELED) result = ::accept(server_.socket.get(), nullptr, nullptr);
        ASSERT_GE(result, 0);
        ::close(result);
        pollfd more = {server_.socket.get(), POLLIN, 0};
        EXPECT_EQ(::poll(&more, 1, 0), 0);
    }

private:
    tcp_server server_;
    descriptor client_;
    sockaddr_in peer_{};
    socklen_t size_ = 0;
};

/// To a local server whose queue is full; allow() takes one out of it.
class connecting : public situation {
public:
    connecting() : server_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        name_.sun_family = AF_UNIX;
        EXPECT_EQ(::bind(server_.get(), reinterpret_cast<sockaddr*>(&name_), sizeof(sa_family_t)),
                  0);
        size_ = sizeof name_;
        ::getsockname(server_.get(), reinterpret_cast<sockaddr*>(&name_), &size_);
        EXPECT_EQ(::listen(server_.get(), 0), 0);
        fill();
    }
    operation op() override {
        client_ = descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        return {.what = code::connect, .fd = client_.get(), .address = &name_, .length = size_};
    }
    void allow() override { take_one(); }
    void check(int result) override {
        sockaddr_un peer{};
        socklen_t size = sizeof peer;
        const int connected =
            ::getpeername(client_.get(), reinterpret_cast<sockaddr*>(&peer), &size);
        EXPECT_EQ(connected == 0, result == 0);
        if (result == 0)
            take_one();
        else
            EXPECT_EQ(result, -ECANCELED);
        fill();
    }

private:
    void fill() {
        filler_ = descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(::connect(filler_.get(), reinterpret_cast<sockaddr*>(&name_), size_), 0);
    }
    void take_one() { ::close(::accept(server_.get(), nullptr, nullptr)); }

    descriptor server_, filler_, client_;
    sockaddr_un name_{};
    socklen_t size_ = 0;
};

class polling : public situation {
public:
    operation op() override { return op_poll(pipe_.first.get(), POLLIN); }
    void allow() override { ASSERT_EQ(::write(pipe_.second.get(), "x", 1), 1); }
    void check(int result) override {
        EXPECT_TRUE(result == POLLIN || result == -ECANCELED) << result;
        char byte = 0;
        EXPECT_EQ(::read(pipe_.first.get(), &byte, 1), 1);
    }

private:
    two_ends pipe_ = make_pipe();
};

struct named_situation {
    const char* name;
    std::function<std::unique_ptr<situation>()> make;
};
inline std::ostream& operator<<(std::ostream& out, const named_situation& s) {
    return out << s.name;
}

inline std::vector<named_situation> every_situation() {
    const auto one_page_pipe = [] {
        two_ends p = make_pipe();
        ::fcntl(p.second.get(), F_SETPIPE_SZ, 4096);
        return p;
    };
    std::vector<named_situation> all = {
        {"read", [] { return std::make_unique<reading>(make_pipe(), code::read); }},
        {"read_socket", [] { return std::make_unique<reading>(make_socket_pair(), code::read); }},
        {"read_eventfd", [] { return std::make_unique<reading_eventfd>(); }},
        {"readv", [] { return std::make_unique<reading>(make_pipe(), code::readv); }},
        {"recv", [] { return std::make_unique<reading>(make_socket_pair(), code::recv); }},
        {"recvmsg", [] { return std::make_unique<reading>(make_socket_pair(), code::recvmsg); }},
        {"write", [=] { return std::make_unique<writing>(one_page_pipe(), code::write); }},
        {"writev", [=] { return std::make_unique<writing>(one_page_pipe(), code::writev); }},
        {"send", [] { return std::make_unique<writing>(make_socket_pair(), code::send); }},
        {"sendmsg", [] { return std::make_unique<writing>(make_socket_pair(), code::sendmsg); }},
        {"accept", [] { return std::make_unique<accepting>(); }},
        {"connect", [] { return std::make_unique<connecting>(); }},
        {"poll", [] { return std::make_unique<polling>(); }},
    };
    if (::access("/dev/pts/ptmx", F_OK) == 0)
        all.push_back({"read_terminal", [] { return std::make_unique<reading_terminal>(); }});
    else
        std::fputs("no /dev/pts here: terminals are not tested\n", stderr);
    return all;
}

}  // namespace brio::testing_io
