#pragma once
// The reactor: where the loop meets the kernel. Completion-shaped and small; io_uring, epoll and
// the scripted reactor of the tests stand behind it. The loop exists once, above them.
//
// 1. The kernel owns an operation and the memory it names from submit() until `completed` has been
//    called for it. An operation usually lies on the stack of the fiber that waits for it, so that
//    fiber stays parked until then, cancelled or not.
// 2. `completed` is called exactly once for each submit(), from wait(), settle() or the destructor, on
//    the loop's thread; it appends to the ready queue and does nothing else.
// 3. cancel() is a request. The operation still completes: with its result when that had already
//    happened (the result wins), else with -ECANCELED. A cancel is never lost, whether the
//    submission queue is full or completions overflow.
// 4. Loop thread only, but for waking, which goes through the mailbox.

#include <brio/time.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace brio::inline v0 {
namespace detail {

class mailbox;

/// One request to the kernel, shaped after the system call whose name it carries.
struct operation {
    enum class code : std::uint8_t {
        nop,
        read,      // fd, address, length, offset (-1: the file position, or a stream)
        write,     // likewise
        readv,     // fd, address: iovec array, length: its size, offset
        writev,    // likewise
        recv,      // fd, address, length, flags
        send,      // likewise; never raises SIGPIPE
        recvmsg,   // fd, address: msghdr, flags
        sendmsg,   // likewise; never raises SIGPIPE
        accept,    // fd, address: sockaddr or null, second: socklen_t*, flags: accept4's
        connect,   // fd, address: sockaddr, length: its size
        poll,      // fd, flags: events; the result is the events that came
        openat,    // fd: directory, address: path, flags, length: mode
        close,     // fd
        fsync,     // fd, flags: 1 for fdatasync
        statx,     // fd: directory, address: path, flags, length: mask, second: struct statx*
        renameat,  // fd: directory, address: path, flags: the new directory, second: the new path
        unlinkat,  // fd: directory, address: path, flags
        mkdirat,   // fd: directory, address: path, length: mode
        splice,    // fd: to, flags: from, offset: of from (-1: a pipe), length; not on epoll
        futex,     // address: the word, length: what it holds, flags: 1 for a private one,
                   // offset: the bits to be woken by; only where waits_on_futexes()
        waitid,    // flags: kind, offset: id, length: options, address: siginfo_t; not on epoll
    };
    using completion = void (*)(operation&) noexcept;

    // What a completion touches: together, so that it is one cache line more often than not.
    completion completed = nullptr;
    void* owner = nullptr;  // the submitter's own, for `completed`
    int result = 0;  // what the system call returns, or -errno; valid in and after `completed`
    std::uint32_t state = 0;  // the reactor's own from submit() to `completed`

    code what = code::nop;
    int fd = -1;
    void* address = nullptr;
    std::uint32_t length = 0;
    std::uint32_t flags = 0;
    std::uint64_t offset = UINT64_MAX;
    void* second = nullptr;

    // The reactor's own from submit() to `completed`.
    operation* next = nullptr;
    operation* previous = nullptr;
};

/// "recv of descriptor 5", "openat of /etc/hosts": for dumps and errors.
[[nodiscard]] std::string describe(const operation& op);

class reactor {
public:
    reactor() = default;
    reactor(const reactor&) = delete;
    reactor& operator=(const reactor&) = delete;
    /// Cancels what is in flight and returns when the kernel has let go of all of it; `completed` is
    /// called for each.
    virtual ~reactor() = default;

    [[nodiscard]] virtual std::string_view name() const noexcept = 0;
    /// Whether it knows code::futex.
    [[nodiscard]] virtual bool waits_on_futexes() const noexcept { return false; }
    /// Never fails: what the kernel refuses comes back through `completed`. May only queue it.
    virtual void submit(operation& op) = 0;
    /// `op` is in flight. A second cancel of the same operation is harmless.
    virtual void cancel(operation& op) noexcept = 0;
    /// Descriptor `fd` is about to be closed or replaced: lets go of what is kept for its number.
    /// Operations in flight on it go on; they hold the open file, as blocked system calls do. Does
    /// nothing in a child of fork, to which the reactor does not belong.
    virtual void forget([[maybe_unused]] int fd) noexcept {}
    /// Whether a busy turn has to call wait(): entries to submit, or completions to collect.
    /// Asked every turn while anything is in flight, so it reads memory and makes no system call
    /// where the kernel allows it.
    [[nodiscard]] virtual bool has_work() const noexcept = 0;
    /// Submits, then collects what has completed. When nothing has, sleeps until something does,
    /// the mailbox rings, or `timeout` has passed (zero: does not sleep; duration::max(): no limit).
    /// May return early with nothing: after a signal, for instance.
    virtual void wait(duration timeout) = 0;

    /// For a loop that is the guest of another one: what polls readable when wait(zero) would find
    /// something, or the mailbox has rung, from the last settle() on. Made at the first call, owned
    /// here. Throws std::system_error. -1: there is none, as for a script.
    [[nodiscard]] virtual int descriptor() { return -1; }
    /// The thread goes to sleep elsewhere. Submits and collects, and sees to it that descriptor()
    /// will tell; returns how long that sleep may be (zero: there is something to do now).
    [[nodiscard]] virtual duration settle() noexcept { return duration::max(); }

    /// Operations submitted and not completed.
    [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }

protected:
    std::size_t in_flight_ = 0;
};

enum class reactor_kind { automatic, io_uring, epoll };

/// Whether `kind` or BRIO_REACTOR names one. Such a loop gets it when it is made, so that a refusal
/// is reported there and not by the first I/O.
[[nodiscard]] bool reactor_is_named(reactor_kind kind);

struct chosen_reactor {
    reactor* made;       // owned by the caller
    std::string reason;  // one line: why this one
};
/// Makes the reactor on the thread that will run the loop; `bell` is what wakes it. `automatic`
/// obeys BRIO_REACTOR, then takes io_uring where the kernel allows it, else epoll. A named one that
/// the kernel refuses throws std::system_error with the cause; an unknown name in BRIO_REACTOR
/// throws std::invalid_argument. Defined on the floor of io/reactor: the one upward edge.
[[nodiscard]] chosen_reactor make_reactor(reactor_kind kind, mailbox& bell);

}  // namespace detail
}  // namespace brio
