#pragma once
// What TLS stands on in these tests: memory, for the virtual clock and for cancels at exact turns,
// and sockets, for the reactors.

#include "ops/ops.hpp"

#include <brio/brio.hpp>
#include <brio/detail/byte_channel.hpp>
#include <brio/io/descriptor.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <system_error>
#include <utility>

namespace brio::testing_tls {

using detail::byte_channel;

struct channel_pair {
    std::unique_ptr<byte_channel> client;
    std::unique_ptr<byte_channel> server;
};

/// One direction of a memory connection.
class memory_pipe {
public:
    explicit memory_pipe(std::size_t capacity) : capacity_(capacity) {}

    std::size_t read(bytes_out out) {
        wait_until(readable_, [this] { return !bytes_.empty() || ended_ || broken_; });
        fail_if_broken();
        const std::size_t n = std::min(out.size(), bytes_.size());
        std::memcpy(out.data(), bytes_.data(), n);
        bytes_.erase(0, n);
        signal(writable_);
        return n;
    }
    std::size_t write(bytes_view data) {
        wait_until(writable_, [this] { return room() > 0 || broken_ || unread_; });
        return try_write(data);
    }
    std::size_t try_write(bytes_view data) {
        fail_if_broken();
        if (unread_) throw std::system_error(std::make_error_code(std::errc::broken_pipe));
        const std::size_t n = std::min(data.size(), room());
        bytes_.append(static_cast<const char*>(data.data()), n);
        if (n > 0) signal(readable_);
        return n;
    }
    void end() {
        ended_ = true;
        signal(readable_);
    }
    /// Nobody will read any more.
    void leave() {
        unread_ = true;
        signal(writable_);
    }
    void sever() {
        broken_ = true;
        signal(readable_);
        signal(writable_);
    }
    void set_capacity(std::size_t capacity) { capacity_ = capacity; }

private:
    [[nodiscard]] std::size_t room() const {
        return capacity_ - std::min(capacity_, bytes_.size());
    }
    template <class Condition>
    void wait_until(future<void>& signalled, Condition condition) {
        while (!condition()) {
            signalled = create_future<void>();
            signalled.await();
        }
    }
    static void signal(future<void>& waiting) {
        if (waiting.valid() && !waiting.done()) waiting.set_result();
    }
    void fail_if_broken() const {
        if (broken_) throw std::system_error(std::make_error_code(std::errc::connection_aborted));
    }

    std::size_t capacity_;
    std::string bytes_;
    bool ended_ = false;
    bool unread_ = false;
    bool broken_ = false;
    future<void> readable_, writable_;
};

class memory_channel final : public byte_channel {
public:
    memory_channel(std::shared_ptr<memory_pipe> in, std::shared_ptr<memory_pipe> out)
        : in_(std::move(in)), out_(std::move(out)) {}
    ~memory_channel() override { end(); }

    std::size_t read(bytes_out out) override { return in_->read(out); }
    std::size_t write(bytes_view data) override { return out_->write(data); }
    std::size_t try_write(bytes_view data) override { return out_->try_write(data); }
    [[nodiscard]] bool can_write_eof() const noexcept override { return true; }
    void write_eof() override { out_->end(); }
    void close() override { end(); }
    void set_capacity(std::size_t capacity) {
        in_->set_capacity(capacity);
        out_->set_capacity(capacity);
    }
    void abort() noexcept override {
        in_->sever();
        out_->sever();
    }
    [[nodiscard]] int descriptor() const noexcept override { return -1; }
    [[nodiscard]] std::string extra_info(std::string_view name) const override {
        return name == "peername" ? "memory" : "";
    }

private:
    void end() {
        out_->end();
        in_->leave();
    }
    std::shared_ptr<memory_pipe> in_, out_;
};

inline channel_pair memory_pair(std::size_t capacity = 64 * 1024) {
    auto up = std::make_shared<memory_pipe>(capacity);
    auto down = std::make_shared<memory_pipe>(capacity);
    return {std::make_unique<memory_channel>(down, up), std::make_unique<memory_channel>(up, down)};
}

class socket_channel final : public byte_channel {
public:
    explicit socket_channel(io::descriptor fd) : fd_(std::move(fd)) {}

    std::size_t read(bytes_out out) override {
        return counted(detail::ops::recv(fd_.get(), out.data(), out.size()));
    }
    std::size_t write(bytes_view data) override {
        return counted(detail::ops::send(fd_.get(), data.data(), data.size()));
    }
    std::size_t try_write(bytes_view data) override {
        const ssize_t n = ::send(fd_.get(), data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) return 0;
        return counted(n < 0 ? -errno : n);
    }
    [[nodiscard]] bool can_write_eof() const noexcept override { return true; }
    void write_eof() override { ::shutdown(fd_.get(), SHUT_WR); }
    void close() override { fd_.close(); }
    void abort() noexcept override {
        aborted_ = true;
        ::shutdown(fd_.get(), SHUT_RDWR);
    }
    [[nodiscard]] int descriptor() const noexcept override { return fd_.get(); }
    [[nodiscard]] std::string extra_info(std::string_view name) const override {
        return name == "peername" ? "socket" : "";
    }

private:
    [[nodiscard]] std::size_t counted(ssize_t n) const {
        if (aborted_) n = -ECONNABORTED;
        if (n < 0)
            throw std::system_error(static_cast<int>(-n), std::system_category(), "the socket");
        return static_cast<std::size_t>(n);
    }
    io::descriptor fd_;
    bool aborted_ = false;
};

inline channel_pair socket_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        throw std::system_error(errno, std::system_category(), "socketpair");
    return {std::make_unique<socket_channel>(io::descriptor(ends[0])),
            std::make_unique<socket_channel>(io::descriptor(ends[1]))};
}

}  // namespace brio::testing_tls
