#include "reactor/uring.hpp"

#include "reactor/raw_call.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <system_error>

namespace brio::inline v0 {
namespace detail {

namespace {

// An unprivileged user's 8 MiB of lockable memory hold some 150 rings of this size. A turn with
// more operations enters the kernel once more; more completions than these wait in the kernel.
constexpr unsigned entries = 256;
constexpr unsigned completions = 2048;

// user_data: the address of an operation, with or without cancel_tag, or one of these.
constexpr std::uint64_t cancel_tag = 1;
constexpr std::uint64_t bell_tag = 2;
constexpr std::uint64_t no_one = 4;
static_assert(alignof(operation) >= 8);

// operation::state.
//   0 -> unsubmitted -> 0     in the backlog until there is room
//   0 -> cancelling           its cancel is queued, or known to the kernel
//          -> answered        has its result; completes with the answer to the cancel
//          -> stubborn        the cancel was in vain; goes on with the next one
//          -> 0               the cancel is at work: the result will come
enum : std::uint32_t {
    unsubmitted = 1,
    cancelling = 2,
    answered = 4,
    stubborn = 8,
    attempt = 16,  // counts the cancels that were in vain
};
constexpr std::uint32_t quick_attempts = 8;
constexpr std::int32_t erestartsys = 512;  // no system call returns it, so no header has it
constexpr auto repeat_interval = std::chrono::milliseconds(10);

std::uint64_t address_of(const operation& op) noexcept {
    return reinterpret_cast<std::uintptr_t>(&op);
}

void prepare_futex_wait(io_uring_sqe* e, const void* word, std::uint32_t value, std::uint64_t bits,
                        bool is_private) noexcept {
    const int kind = uring_abi::futex2_size_u32 | (is_private ? uring_abi::futex2_private : 0);
    io_uring_prep_rw(uring_abi::op_futex_wait, e, kind, word, 0, value);
    e->addr3 = bits;
}

void prepare(io_uring_sqe* e, const operation& op) noexcept {
    const auto text = static_cast<const char*>(op.address);
    const auto flags = static_cast<int>(op.flags);
    switch (op.what) {
        case operation::code::nop:
            return io_uring_prep_nop(e);
        case operation::code::read:
            return io_uring_prep_read(e, op.fd, op.address, op.length, op.offset);
        case operation::code::write:
            return io_uring_prep_write(e, op.fd, op.address, op.length, op.offset);
        case operation::code::readv:
            return io_uring_prep_readv(e, op.fd, static_cast<const iovec*>(op.address), op.length,
                                       op.offset);
        case operation::code::writev:
            return io_uring_prep_writev(e, op.fd, static_cast<const iovec*>(op.address), op.length,
                                        op.offset);
        case operation::code::recv:
            return io_uring_prep_recv(e, op.fd, op.address, op.length, flags);
        case operation::code::send:
            return io_uring_prep_send(e, op.fd, op.address, op.length, flags | MSG_NOSIGNAL);
        case operation::code::recvmsg:
            return io_uring_prep_recvmsg(e, op.fd, static_cast<msghdr*>(op.address), op.flags);
        case operation::code::sendmsg:
            return io_uring_prep_sendmsg(e, op.fd, static_cast<const msghdr*>(op.address),
                                         op.flags | MSG_NOSIGNAL);
        case operation::code::accept:
            return io_uring_prep_accept(e, op.fd, static_cast<sockaddr*>(op.address),
                                        static_cast<socklen_t*>(op.second), flags);
        case operation::code::connect:
            return io_uring_prep_connect(e, op.fd, static_cast<const sockaddr*>(op.address),
                                         op.length);
        case operation::code::poll:
            return io_uring_prep_poll_add(e, op.fd, op.flags);
        case operation::code::openat:
            return io_uring_prep_openat(e, op.fd, text, flags, op.length);
        case operation::code::close:
            return io_uring_prep_close(e, op.fd);
        case operation::code::fsync:
            return io_uring_prep_fsync(e, op.fd, op.flags != 0 ? IORING_FSYNC_DATASYNC : 0);
        case operation::code::statx:
            return io_uring_prep_statx(e, op.fd, text, flags, op.length,
                                       static_cast<struct statx*>(op.second));
        case operation::code::renameat:
            return io_uring_prep_renameat(e, op.fd, text, flags,
                                          static_cast<const char*>(op.second), 0);
        case operation::code::unlinkat:
            return io_uring_prep_unlinkat(e, op.fd, text, flags);
        case operation::code::mkdirat:
            return io_uring_prep_mkdirat(e, op.fd, text, op.length);
        case operation::code::splice:
            return io_uring_prep_splice(e, flags, static_cast<std::int64_t>(op.offset), op.fd, -1,
                                        op.length, 0);
        case operation::code::futex:
            return prepare_futex_wait(e, op.address, op.length, op.offset, op.flags != 0);
        case operation::code::waitid:
            io_uring_prep_rw(uring_abi::op_waitid, e, static_cast<int>(op.offset), nullptr,
                             op.flags, reinterpret_cast<std::uintptr_t>(op.address));
            e->file_index = op.length;
            return;
    }
}

int this_process() noexcept {
    return static_cast<int>(::syscall(SYS_getpid));
}

void empty(int eventfd) noexcept {
    std::uint64_t count = 0;
    raw_call(SYS_read, eventfd, &count, sizeof count);
}

}  // namespace

uring::uring(mailbox& bell, const ring_features& wanted)
    : ring_(entries, completions, wanted), bell_(bell), process_(this_process()) {
    if (!ring_.features().futex) bell_descriptor_ = bell_.event_descriptor();
    // Rings before the descriptor was there went to the futex only.
    if (bell_descriptor_ >= 0 && bell_.futex_word().load() != 0) bell_.ring();
}

uring::~uring() {
    if (event_descriptor_ >= 0) raw_call(SYS_close, event_descriptor_);
    if (this_process() != process_) {
        ring_.abandon();
        return;
    }
    while (in_flight_ > 0 || bell_armed_) {
        cancel_everything();
        // Whatever a cancel does not find is about to move in the kernel: it is asked again.
        enter(std::chrono::milliseconds(10));
        collect();
    }
}

// ---------------------------------------------------------------------------------- submitting

/// A free entry; makes room by handing over what is queued. Null when the kernel takes nothing.
io_uring_sqe* uring::entry() noexcept {
    if (io_uring_sqe* const e = ring_.next_entry()) return e;
    ring_.submit();
    return ring_.next_entry();
}

bool uring::queue_operation(operation& op) noexcept {
    io_uring_sqe* const e = entry();
    if (e == nullptr) return false;
    prepare(e, op);
    e->user_data = address_of(op);
    return true;
}

bool uring::queue_cancel(operation& op) noexcept {
    io_uring_sqe* const e = entry();
    if (e == nullptr) return false;
    io_uring_prep_cancel64(e, address_of(op), 0);
    e->user_data = address_of(op) | cancel_tag;
    return true;
}

void uring::submit(operation& op) {
    ++in_flight_;
    op.state = 0;
    if (backlog_.empty() && queue_operation(op)) return;
    op.state = unsubmitted;
    backlog_.push_back(op);
}

void uring::cancel(operation& op) noexcept {
    if ((op.state & (cancelling | stubborn)) != 0) return;
    if ((op.state & unsubmitted) != 0)
        op.state |= cancelling;  // and so will not be submitted
    else
        send_cancel(op);
}

void uring::send_cancel(operation& op) noexcept {
    op.state |= cancelling;
    if (!backlog_.empty() || !queue_cancel(op)) backlog_.push_back(op);
}

void uring::forget(int fd) noexcept {
    if (ring_.has_queued() && this_process() == process_ && ring_.has_queued_for(fd))
        ring_.submit();
}

void uring::queue_backlog() noexcept {
    while (!backlog_.empty()) {
        operation& op = *backlog_.first();
        const bool is_new = (op.state & unsubmitted) != 0;
        if (is_new && (op.state & cancelling) != 0) {
            backlog_.pop_front();
            op.result = -ECANCELED;
            complete(op);
        } else if (is_new ? queue_operation(op) : queue_cancel(op)) {
            backlog_.pop_front();
            op.state &= ~static_cast<std::uint32_t>(unsubmitted);
        } else {
            return;
        }
    }
}

// ------------------------------------------------------------------------------------- waiting

void uring::repeat_cancels(duration& timeout) noexcept {
    if (stubborn_.empty()) return;
    const auto now = std::chrono::steady_clock::now();
    timeout = std::min<duration>(timeout, std::max<duration>(repeat_at_ - now, duration::zero()));
    if (now < repeat_at_) return;
    while (!stubborn_.empty()) {
        operation& op = stubborn_.pop_front();
        op.state &= ~static_cast<std::uint32_t>(stubborn);
        send_cancel(op);
    }
}

void uring::wait(duration timeout) {
    queue_backlog();
    repeat_cancels(timeout);
    arm_bell();
    if (!backlog_.empty() || !bell_armed_ || ring_.has_completions()) timeout = duration::zero();
    enter(timeout);
    collect();
}

int uring::descriptor() {
    if (event_descriptor_ >= 0) return event_descriptor_;
    const int fd = raw_call(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK);
    const int error = fd < 0 ? -fd : ring_.register_eventfd(fd);
    if (error != 0) {
        if (fd >= 0) raw_call(SYS_close, fd);
        throw std::system_error(error, std::system_category(), "io_uring: eventfd");
    }
    return event_descriptor_ = fd;
}

/// The eventfd is registered anew each time: what completes because somebody writes to an eventfd that
/// the ring polls is told by way of RCU, and since Linux 6.12 once for each registration only.
duration uring::settle() noexcept {
    ring_.unregister_eventfd();
    empty(event_descriptor_);
    const bool registered = ring_.register_eventfd(event_descriptor_) == 0;
    wait(duration::zero());
    if (!registered || !bell_armed_ || has_work()) return duration::zero();
    if (stubborn_.empty()) return duration::max();
    return std::max<duration>(repeat_at_ - std::chrono::steady_clock::now(), duration::zero());
}

void uring::enter(duration timeout) noexcept {
    if (timeout > duration::zero()) {
        __kernel_timespec limit{};
        limit.tv_sec = timeout.count() / 1'000'000'000;
        limit.tv_nsec = timeout.count() % 1'000'000'000;
        ring_.submit_and_sleep(timeout == duration::max() ? nullptr : &limit);
    } else if (ring_.has_queued() || ring_.kernel_has_more()) {
        ring_.submit_and_poll();
    }
}

void uring::arm_bell() noexcept {
    if (bell_armed_) return;
    io_uring_sqe* const e = entry();
    if (e == nullptr) return;
    if (bell_descriptor_ >= 0) {
        io_uring_prep_poll_add(e, bell_descriptor_, POLLIN);
    } else {
        // Not private: Linux 6.16 and later move a process to a private hash of futexes when it makes
        // its first thread, and a private wait of the ring from before stays behind, never woken.
        prepare_futex_wait(e, &bell_.futex_word(), rung_, FUTEX_BITSET_MATCH_ANY, false);
    }
    e->user_data = bell_tag;
    bell_armed_ = true;
}

// ---------------------------------------------------------------------------------- collecting

void uring::collect() noexcept {
    ring_.collect([this](std::uint64_t data, std::int32_t result) { take(data, result); });
}

void uring::take(std::uint64_t data, std::int32_t result) noexcept {
    if (data == bell_tag) return bell_answered();
    if (data == no_one) return;
    operation& op = *reinterpret_cast<operation*>(data & ~cancel_tag);
    if ((data & cancel_tag) != 0)
        cancel_answered(op, result);
    else
        operation_answered(op, result);
}

void uring::operation_answered(operation& op, std::int32_t result) noexcept {
    // A worker in the middle of a call is stopped by a signal. From a splice that shows as the
    // kernel's own number.
    if (result == -erestartsys) result = -EINTR;
    op.result = result == -EINTR && op.state != 0 ? -ECANCELED : result;
    if ((op.state & cancelling) != 0) {
        op.state |= answered;
        return;
    }
    if ((op.state & stubborn) != 0) stubborn_.remove(op);
    complete(op);
}

/// The cancel was in vain, and the operation has no result yet. -ENOENT: the kernel is moving it
/// (task work that is due: a connect to a full local server goes round 128 times), or a device has
/// it. -EALREADY: a worker has it, and has been told. The first passes quickly, the others when
/// they are done; so it is asked again, at first at once.
void uring::cancel_answered(operation& op, std::int32_t result) noexcept {
    if ((op.state & answered) != 0) return complete(op);
    op.state &= ~static_cast<std::uint32_t>(cancelling);
    if (result >= 0) {
        op.state = 0;
    } else if (op.state < quick_attempts * attempt) {
        op.state += attempt;
        send_cancel(op);
    } else {
        if (stubborn_.empty()) repeat_at_ = std::chrono::steady_clock::now() + repeat_interval;
        op.state |= stubborn;
        stubborn_.push_back(op);
    }
}

void uring::bell_answered() noexcept {
    bell_armed_ = false;
    if (bell_descriptor_ >= 0) empty(bell_descriptor_);
    rung_ = bell_.futex_word().load();
}

void uring::complete(operation& op) noexcept {
    --in_flight_;
    op.state = 0;
    op.completed(op);
}

void uring::cancel_everything() noexcept {
    queue_backlog();
    io_uring_sqe* const e = entry();
    if (e == nullptr) return;
    io_uring_prep_cancel64(e, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
    e->user_data = no_one;
}

}  // namespace detail
}  // namespace brio::inline v0
