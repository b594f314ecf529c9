#include "reactor/epoll.hpp"

#include "reactor/direct_call.hpp"
#include "reactor/raw_call.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <system_error>

namespace brio::inline v0 {
namespace detail {

namespace {

using code = operation::code;

constexpr auto repeat_interval = std::chrono::milliseconds(10);

// operation::state: where it is; `watched` with the index of its watch above.
enum place : std::uint32_t { done, watched, repeated, in_thread };
constexpr unsigned place_bits = 2;

place place_of(const operation& op) noexcept {
    return static_cast<place>(op.state & ((1U << place_bits) - 1));
}

bool is_transfer(const operation& op) noexcept {
    return op.what == code::read || op.what == code::readv || op.what == code::write ||
           op.what == code::writev;
}

std::size_t bytes_wanted(const operation& op) noexcept {
    if (op.what == code::read || op.what == code::write) return op.length;
    const auto* parts = static_cast<const iovec*>(op.address);
    std::size_t sum = 0;
    for (std::uint32_t i = 0; i < op.length; ++i) sum += parts[i].iov_len;
    return sum;
}

/// Whether a transfer that gave fewer bytes than wanted did so because the rest of a regular file is
/// not in memory, and not because the file ends there.
bool rest_is_on_disk(const operation& op, int result) noexcept {
    if (result <= 0 || static_cast<std::size_t>(result) >= bytes_wanted(op)) return false;
    struct stat file {};
    if (raw_call(SYS_fstat, op.fd, &file) != 0 || !S_ISREG(file.st_mode)) return false;
    if (op.what == code::write || op.what == code::writev) return true;
    const long position = op.offset == UINT64_MAX
                              ? ::syscall(SYS_lseek, static_cast<long>(op.fd), 0L, SEEK_CUR)
                              : static_cast<long>(op.offset) + result;
    return position < file.st_size;
}

/// Closing sockets and pipes takes no time (but with SO_LINGER); for a file it may mean to write.
bool close_may_block(int fd) noexcept {
    struct stat file {};
    if (raw_call(SYS_fstat, fd, &file) != 0) return false;
    return !S_ISSOCK(file.st_mode) && !S_ISFIFO(file.st_mode);
}

bool is_stream(int fd) noexcept {
    int type = 0;
    socklen_t size = sizeof type;
    return raw_call(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           type == SOCK_STREAM;
}

/// recv has no use for its offset: there it counts what MSG_WAITALL has received so far.
bool receives_all(const operation& op) noexcept {
    return op.what == code::recv && (op.flags & MSG_WAITALL) != 0 && (op.flags & MSG_PEEK) == 0;
}

int try_to_receive_all(operation& op, int fd) noexcept {
    operation rest;
    rest.what = code::recv;
    rest.address = static_cast<char*>(op.address) + op.offset;
    rest.length = op.length - static_cast<std::uint32_t>(op.offset);
    rest.flags = op.flags;
    const int result = try_call(rest, fd);
    if (result > 0) op.offset += static_cast<std::uint32_t>(result);
    if (result > 0 && op.offset < op.length && is_stream(fd)) return would_block;
    if (result == would_block || op.offset == 0) return result;
    return static_cast<int>(op.offset);
}

int attempt(operation& op, int fd) noexcept {
    if (op.what == code::connect) return finish_connect(op, fd);
    if (receives_all(op)) return try_to_receive_all(op, fd);
    return try_call(op, fd);
}

int result_when_cancelled(const operation& op) noexcept {
    return receives_all(op) && op.offset > 0 ? static_cast<int>(op.offset) : -ECANCELED;
}

bool asks_not_to_wait(const operation& op) noexcept {
    const bool has_flag = op.what == code::recv || op.what == code::send ||
                          op.what == code::recvmsg || op.what == code::sendmsg;
    return has_flag && (op.flags & MSG_DONTWAIT) != 0;
}

bool is_local(const operation& op) noexcept {
    return static_cast<const sockaddr*>(op.address)->sa_family == AF_UNIX;
}

int this_process() noexcept {
    return raw_call(SYS_getpid);
}

}  // namespace

epoll::epoll(mailbox& bell)
    : bell_(bell),
      bell_descriptor_(bell.event_descriptor()),
      process_(this_process()),
      watches_(bell_descriptor_),
      jobs_(bell) {
    // Rings before the descriptor was there went to the futex only.
    if (bell_.futex_word().load() != 0) bell_.ring();
}

epoll::~epoll() {
    if (this_process() != process_) {
        watches_.abandon();
        jobs_.abandon();
        return;
    }
    cancel_everything();
    while (in_flight_ > 0) wait(duration::max());
}

// -------------------------------------------------------------------------------------- submitting

void epoll::submit(operation& op) {
    ++in_flight_;
    switch (op.what) {
        case code::nop:
            return finish(op, 0);
        case code::openat:
        case code::fsync:
        case code::statx:
        case code::renameat:
        case code::unlinkat:
        case code::mkdirat:
            return give_to_thread(op);
        case code::splice:  // would keep a thread for as long as a peer is slow, beyond any cancel
        case code::futex:   // likewise
        case code::waitid:  // likewise, for as long as the child runs
            return finish(op, -EOPNOTSUPP);
        case code::close:
            return submit_close(op);
        case code::connect:
            return submit_connect(op);
        default:
            return submit_other(op);
    }
}

void epoll::forget(int fd) noexcept {
    if (this_process() == process_) watches_.forget(fd);
}

void epoll::submit_close(operation& op) {
    forget(op.fd);
    if (close_may_block(op.fd)) return give_to_thread(op);
    finish(op, raw_call(SYS_close, op.fd));
}

void epoll::submit_connect(operation& op) {
    const int result = start_connect(op);
    if (result == -EINPROGRESS) return wait_for_events(op);
    if (result != -EAGAIN || !is_local(op)) return finish(op, result);
    op.state = repeated;
    repeated_.push_back(op);
}

void epoll::submit_other(operation& op) {
    if (receives_all(op)) op.offset = 0;
    const int result = attempt(op, op.fd);
    if (result == would_block && asks_not_to_wait(op))
        finish(op, -EAGAIN);
    else if (result == would_block)
        wait_for_events(op);
    else if (is_transfer(op) && rest_is_on_disk(op, result))
        give_to_thread(op, static_cast<std::uint32_t>(result));
    else
        finish(op, result);
}

void epoll::wait_for_events(operation& op) {
    int error = 0;
    watch* const w = watches_.obtain(op.fd, events_of(op), error);
    if (w != nullptr) {
        op.state = watched | w->index << place_bits;
        w->waiting.push_back(op);
        ++watched_;
    } else if (error == EPERM && is_transfer(op)) {
        give_to_thread(op);
    } else {
        finish(op, -error);
    }
}

void epoll::give_to_thread(operation& op, std::uint32_t done_bytes) try {
    op.state = in_thread;
    jobs_.start(op, done_bytes);
} catch (const std::system_error& e) {
    finish(op, done_bytes > 0 ? static_cast<int>(done_bytes) : -e.code().value());
}

void epoll::finish(operation& op, int result) noexcept {
    op.result = result;
    op.state = done;
    done_.push_back(op);
}

void epoll::leave_watch(operation& op) noexcept {
    watch& w = watches_.at(op.state >> place_bits);
    w.waiting.remove(op);
    --watched_;
    if (w.waiting.empty()) watches_.release(w);
}

void epoll::cancel(operation& op) noexcept {
    int result = result_when_cancelled(op);
    switch (place_of(op)) {
        case done:
            return;
        case watched:
            leave_watch(op);
            break;
        case repeated:
            repeated_.remove(op);
            break;
        case in_thread:
            if (op.what == code::close || !jobs_.withdraw(op, result)) return;
            break;
    }
    finish(op, result);
}

// ----------------------------------------------------------------------------------------- waiting

void epoll::wait(duration timeout) {
    repeat();
    if (complete_done()) timeout = duration::zero();
    if (!repeated_.empty()) timeout = std::min<duration>(timeout, repeat_interval);
    if (timeout > duration::zero() || watched_ > 0)
        serve_events(timeout, timeout > duration::zero());
    complete_done();
}

/// `before_sleep`: idle watches go, whose events would end the sleep for nothing.
void epoll::serve_events(duration timeout, bool before_sleep) noexcept {
    for (const epoll_event& e : watches_.wait(timeout, before_sleep)) {
        if (e.data.ptr == nullptr)
            serve_bell();
        else
            serve(*static_cast<watch*>(e.data.ptr), e.events);
    }
}

duration epoll::settle() noexcept {
    repeat();
    serve_events(duration::zero(), true);
    complete_done();
    return repeated_.empty() ? duration::max() : duration(repeat_interval);
}

bool epoll::complete_done() noexcept {
    jobs_.collect([this](operation& op, int result) { finish(op, result); });
    if (done_.empty()) return false;
    while (!done_.empty()) {
        operation& op = done_.pop_front();
        --in_flight_;
        op.completed(op);
    }
    return true;
}

void epoll::repeat() noexcept {
    for (operation* op = repeated_.first(); op != nullptr;) {
        operation& self = *op;
        op = op->next;
        const int result = start_connect(self);
        if (result == -EAGAIN) continue;
        repeated_.remove(self);
        finish(self, result);
    }
}

void epoll::serve(watch& w, std::uint32_t events) noexcept {
    for (operation* op = w.waiting.first(); op != nullptr;) {
        operation& self = *op;
        op = op->next;
        if ((events & (events_of(self) | EPOLLERR | EPOLLHUP)) == 0) continue;
        const int result = attempt(self, w.fd);
        if (result == would_block) continue;
        leave_watch(self);
        finish(self, result);
    }
}

void epoll::serve_bell() noexcept {
    std::uint64_t rings = 0;
    raw_call(SYS_read, bell_descriptor_, &rings, sizeof rings);
}

void epoll::cancel_everything() noexcept {
    for (std::size_t i = 0; i < watches_.size(); ++i)
        while (operation* const op = watches_.at(static_cast<std::uint32_t>(i)).waiting.first())
            cancel(*op);
    while (operation* const op = repeated_.first()) cancel(*op);
    jobs_.for_each([this](operation& op) { cancel(op); });
}

}  // namespace detail
}  // namespace brio::inline v0
