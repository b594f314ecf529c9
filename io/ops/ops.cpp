#include "ops/ops.hpp"

#include "ops/operation.hpp"
#include "scheduler/park.hpp"

#include <algorithm>
#include <cerrno>

namespace brio::inline v0 {
namespace detail::ops {

namespace {

using code = operation::code;

constexpr std::size_t most_bytes = 0x7ffff000;  // the kernel's own limit (MAX_RW_COUNT)

std::uint32_t clamped(std::size_t length) noexcept {
    return static_cast<std::uint32_t>(std::min(length, most_bytes));
}

/// The kernel only reads what operations that send name.
void* unconst(const void* p) noexcept {
    return const_cast<void*>(p);
}

int run(const char* call, operation op) {
    fiber& self = require_fiber(call);
    const int result = perform(op);
    if (result == -ECANCELED) deliver_cancel(self);
    return result;
}

}  // namespace

ssize_t read(int fd, void* buffer, std::size_t length, std::uint64_t offset) {
    return run("read", {.what = code::read,
                        .fd = fd,
                        .address = buffer,
                        .length = clamped(length),
                        .offset = offset});
}

ssize_t write(int fd, const void* data, std::size_t length, std::uint64_t offset) {
    return run("write", {.what = code::write,
                         .fd = fd,
                         .address = unconst(data),
                         .length = clamped(length),
                         .offset = offset});
}

ssize_t readv(int fd, const iovec* parts, int count, std::uint64_t offset) {
    return run("readv", {.what = code::readv,
                         .fd = fd,
                         .address = unconst(parts),
                         .length = static_cast<std::uint32_t>(count),
                         .offset = offset});
}

ssize_t writev(int fd, const iovec* parts, int count, std::uint64_t offset) {
    return run("writev", {.what = code::writev,
                          .fd = fd,
                          .address = unconst(parts),
                          .length = static_cast<std::uint32_t>(count),
                          .offset = offset});
}

ssize_t recv(int fd, void* buffer, std::size_t length, int flags) {
    return run("recv", {.what = code::recv,
                        .fd = fd,
                        .address = buffer,
                        .length = clamped(length),
                        .flags = static_cast<std::uint32_t>(flags)});
}

ssize_t send(int fd, const void* data, std::size_t length, int flags) {
    return run("send", {.what = code::send,
                        .fd = fd,
                        .address = unconst(data),
                        .length = clamped(length),
                        .flags = static_cast<std::uint32_t>(flags)});
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
    return run("recvmsg", {.what = code::recvmsg,
                           .fd = fd,
                           .address = message,
                           .flags = static_cast<std::uint32_t>(flags)});
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
    return run("sendmsg", {.what = code::sendmsg,
                           .fd = fd,
                           .address = unconst(message),
                           .flags = static_cast<std::uint32_t>(flags)});
}

int accept(int fd, sockaddr* peer, socklen_t* length, int flags) {
    return run("accept", {.what = code::accept,
                          .fd = fd,
                          .address = peer,
                          .flags = static_cast<std::uint32_t>(flags),
                          .second = length});
}

int connect(int fd, const sockaddr* peer, socklen_t length) {
    return run("connect",
               {.what = code::connect, .fd = fd, .address = unconst(peer), .length = length});
}

int poll(int fd, short events) {
    return run("poll", {.what = code::poll, .fd = fd, .flags = static_cast<std::uint16_t>(events)});
}

int openat(int directory, const char* path, int flags, mode_t mode) {
    return run("openat", {.what = code::openat,
                          .fd = directory,
                          .address = unconst(path),
                          .length = mode,
                          .flags = static_cast<std::uint32_t>(flags)});
}

int close(int fd) {
    return run("close", {.what = code::close, .fd = fd});
}

int fsync(int fd) {
    return run("fsync", {.what = code::fsync, .fd = fd});
}

int fdatasync(int fd) {
    return run("fdatasync", {.what = code::fsync, .fd = fd, .flags = 1});
}

int statx(int directory, const char* path, int flags, unsigned mask, struct statx* result) {
    return run("statx", {.what = code::statx,
                         .fd = directory,
                         .address = unconst(path),
                         .length = mask,
                         .flags = static_cast<std::uint32_t>(flags),
                         .second = result});
}

int renameat(int directory, const char* path, int new_directory, const char* new_path) {
    return run("renameat", {.what = code::renameat,
                            .fd = directory,
                            .address = unconst(path),
                            .flags = static_cast<std::uint32_t>(new_directory),
                            .second = unconst(new_path)});
}

int unlinkat(int directory, const char* path, int flags) {
    return run("unlinkat", {.what = code::unlinkat,
                            .fd = directory,
                            .address = unconst(path),
                            .flags = static_cast<std::uint32_t>(flags)});
}

int mkdirat(int directory, const char* path, mode_t mode) {
    return run("mkdirat",
               {.what = code::mkdirat, .fd = directory, .address = unconst(path), .length = mode});
}

ssize_t splice(int from, std::uint64_t offset, int to, std::size_t length) {
    return run("splice", {.what = code::splice,
                          .fd = to,
                          .length = clamped(length),
                          .flags = static_cast<std::uint32_t>(from),
                          .offset = offset});
}

}  // namespace detail::ops
}  // namespace brio::inline v0
