// system, popen, pclose. libc's wait for the child inside, past the table, so these are the layer's own
// for all callers, on fibers and elsewhere: what they share (below) is then counted once.
//
// 1. While a system() is under way anywhere in the process SIGINT and SIGQUIT are ignored: the first
//    one saves what they were, the last one puts it back. SIGCHLD is blocked in the thread meanwhile,
//    for all its fibers, and is counted by thread.
// 2. What is cut short, by a cancel of the fiber or by pthread_cancel, kills its shell and takes it, as
//    libc's does: nobody else knows the child. So does a handler that jumps out, where libc leaves a mess.
// 3. The list of streams is locked from before a shell starts until its stream is in the list: the
//    next shell has to close it. No fiber suspends meanwhile.
// 4. Streams are closed by pclose. fclose frees one and leaves the child; its row goes when another
//    stream gets the address.

#include "posix/shell.hpp"

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/children.hpp"
#include "posix/descriptors.hpp"
#include "posix/interpose.hpp"
#include "posix/real.hpp"

#include <brio/detail/short_lock.hpp>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <mutex>
#include <new>
#include <optional>
#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace brio::inline v0::detail::posix {

namespace {

/// sh -c `command`: 0 and its number, or an error number.
int start_shell(const char* command, const posix_spawn_file_actions_t* actions,
                const posix_spawnattr_t* attributes, pid_t& shell) noexcept {
    char* const arguments[] = {const_cast<char*>("sh"), const_cast<char*>("-c"),
                               const_cast<char*>("--"), const_cast<char*>(command), nullptr};
    return ::posix_spawn(&shell, "/bin/sh", actions, attributes, arguments, ::environ);
}

/// The status of `shell`, or -errno.
long take_status(pid_t shell) {
    int status = 0;
    long result = -EINTR;
    while (result == -EINTR && !jump_is_due()) result = wait_for_child(shell, &status);
    return result < 0 ? result : status;
}

// ---------------------------------------------------------------------------------------- system

constinit short_lock interrupts_lock;
constinit unsigned ignoring_interrupts = 0;
constinit struct sigaction saved_interrupt = {};
constinit struct sigaction saved_quit = {};

constinit thread_local unsigned holding_sigchld = 0;
constinit thread_local bool sigchld_was_blocked = false;

sigset_t only(int signal) noexcept {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, signal);
    return set;
}

void change_mask(int how, const sigset_t* set, sigset_t* before) noexcept {
    system_call(SYS_rt_sigprocmask, how, set, before, kernel_sigset_size);
}

/// Rule 1.
class signals_of_system {
public:
    signals_of_system() noexcept {
        ignore_interrupts();
        const sigset_t sigchld = only(SIGCHLD);
        ::sigemptyset(&mask_);
        change_mask(SIG_BLOCK, &sigchld, &mask_);
        if (holding_sigchld++ == 0) sigchld_was_blocked = ::sigismember(&mask_, SIGCHLD) == 1;
        if (!sigchld_was_blocked) ::sigdelset(&mask_, SIGCHLD);
    }
    signals_of_system(const signals_of_system&) = delete;
    signals_of_system& operator=(const signals_of_system&) = delete;
    ~signals_of_system() {
        heed_interrupts();
        if (--holding_sigchld > 0 || sigchld_was_blocked) return;
        const sigset_t sigchld = only(SIGCHLD);
        change_mask(SIG_UNBLOCK, &sigchld, nullptr);
    }

    /// The shell has the signals as the caller had them before.
    int start(const char* command, pid_t& shell) const noexcept {
        posix_spawnattr_t attributes;
        ::posix_spawnattr_init(&attributes);
        ::posix_spawnattr_setsigmask(&attributes, &mask_);
        ::posix_spawnattr_setsigdefault(&attributes, &defaults_);
        ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
        const int error = start_shell(command, nullptr, &attributes, shell);
        ::posix_spawnattr_destroy(&attributes);
        return error;
    }

private:
    void ignore_interrupts() noexcept {
        const std::lock_guard held(interrupts_lock);
        if (ignoring_interrupts++ == 0) {
            struct sigaction ignored = {};
            ignored.sa_handler = SIG_IGN;
            ::sigaction(SIGINT, &ignored, &saved_interrupt);
            ::sigaction(SIGQUIT, &ignored, &saved_quit);
        }
        ::sigemptyset(&defaults_);
        if (saved_interrupt.sa_handler != SIG_IGN) ::sigaddset(&defaults_, SIGINT);
        if (saved_quit.sa_handler != SIG_IGN) ::sigaddset(&defaults_, SIGQUIT);
    }
    static void heed_interrupts() noexcept {
        const std::lock_guard held(interrupts_lock);
        if (--ignoring_interrupts > 0) return;
        ::sigaction(SIGINT, &saved_interrupt, nullptr);
        ::sigaction(SIGQUIT, &saved_quit, nullptr);
    }

    sigset_t mask_;      // the caller's
    sigset_t defaults_;  // what the shell gets at its default
};

/// A shell that is being waited for. Rule 2.
class running_shell {
public:
    explicit running_shell(pid_t shell) noexcept : shell_(shell) {}
    running_shell(const running_shell&) = delete;
    running_shell& operator=(const running_shell&) = delete;
    ~running_shell() {
        if (taken_) return;
        system_call(SYS_kill, shell_, SIGKILL);
        while (system_call(SYS_wait4, shell_, nullptr, 0, nullptr) == -EINTR) {
        }
    }
    long wait() {
        const long result = take_status(shell_);
        taken_ = result != -ECANCELED && result != -EINTR;
        return result;
    }

private:
    pid_t shell_;
    bool taken_ = false;
};

/// A status, or -errno.
long run_shell(const char* command) {
    if (fiber* const self = suspendable_fiber(); self != nullptr && refused(*self))
        return -ECANCELED;
    const signals_of_system scope;
    pid_t shell = -1;
    if (const int error = scope.start(command, shell); error != 0) {
        errno = error;
        return W_EXITCODE(127, 0);
    }
    return running_shell(shell).wait();
}

// ---------------------------------------------------------------------------------- popen, pclose

struct piped_shell {
    std::FILE* stream;
    int fd;
    pid_t shell;
    piped_shell* next;
};

constinit short_lock streams_lock;
constinit piped_shell* streams = nullptr;

/// popen's second argument. False: it is wrong.
bool understand(const char* mode, direction& from_us, bool& keep_cloexec) noexcept {
    bool reads = false;
    bool writes = false;
    keep_cloexec = false;
    for (; *mode != '\0'; ++mode) {
        if (*mode == 'r')
            reads = true;
        else if (*mode == 'w')
            writes = true;
        else if (*mode == 'e')
            keep_cloexec = true;
        else
            return false;
    }
    from_us = reads ? direction::in : direction::out;
    return reads != writes;
}

/// Precondition: streams_lock is held.
int start_piped(const char* command, int fd, int as, pid_t& shell) noexcept {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    int error = ::posix_spawn_file_actions_adddup2(&actions, fd, as);
    for (const piped_shell* s = streams; s != nullptr && error == 0; s = s->next)
        if (s->fd != as) error = ::posix_spawn_file_actions_addclose(&actions, s->fd);
    if (error == 0) error = start_shell(command, &actions, nullptr, shell);
    ::posix_spawn_file_actions_destroy(&actions);
    return error;
}

/// Takes the row of `stream` out of the list. Precondition: streams_lock is held.
piped_shell* take_row(std::FILE* stream) noexcept {
    for (piped_shell** at = &streams; *at != nullptr; at = &(*at)->next) {
        piped_shell* const row = *at;
        if (row->stream != stream) continue;
        *at = row->next;
        return row;
    }
    return nullptr;
}

/// 0 or an error number.
int start_and_enter(const char* command, int fd, int as, piped_shell& row) noexcept {
    const std::lock_guard held(streams_lock);
    delete take_row(row.stream);
    if (const int error = start_piped(command, fd, as, row.shell); error != 0) return error;
    row.next = streams;
    streams = &row;
    return 0;
}

std::FILE* fail(int error, piped_shell* row, int fd) noexcept {
    if (row != nullptr && row->stream != nullptr) std::fclose(row->stream);
    delete row;
    if (fd >= 0) system_call(SYS_close, fd);
    errno = error;
    return nullptr;
}

std::FILE* open_shell(const char* command, direction from_us, bool keep_cloexec) noexcept {
    const int before = errno;
    int both[2];
    if (const long made = system_call(SYS_pipe2, both, O_CLOEXEC); made < 0)
        return fail(static_cast<int>(-made), nullptr, -1);
    forget(both[0]);
    forget(both[1]);
    const bool reads = from_us == direction::in;
    const int ours = both[reads ? 0 : 1];
    const int theirs = both[reads ? 1 : 0];
    auto* const row = new (std::nothrow) piped_shell{};
    if (row != nullptr) row->stream = ::fdopen(ours, reads ? "r" : "w");
    if (row == nullptr || row->stream == nullptr) {
        system_call(SYS_close, ours);
        return fail(ENOMEM, row, theirs);
    }
    row->fd = ours;
    const int as = reads ? STDOUT_FILENO : STDIN_FILENO;
    if (const int error = start_and_enter(command, theirs, as, *row); error != 0)
        return fail(error, row, theirs);
    system_call(SYS_close, theirs);
    if (!keep_cloexec) system_call(SYS_fcntl, ours, F_SETFD, 0);
    errno = before;
    return row->stream;
}

piped_shell* leave_list(std::FILE* stream) noexcept {
    const std::lock_guard held(streams_lock);
    return take_row(stream);
}

/// The stream is gone by then, so nothing cuts the wait short: the child would be nobody's.
long take_status_whole(pid_t shell) {
    std::optional<not_cut_short> whole;
    if (fiber* const self = suspendable_fiber()) whole.emplace(*self);
    int before = 0;
    ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    const long result = take_status(shell);
    ::pthread_setcancelstate(before, &before);
    return result;
}

}  // namespace

void free_stream_list_after_fork() noexcept {
    new (&streams_lock) short_lock;
}

}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

int brio_posix_system(const char* command) {
    if (command == nullptr) return answer(run_shell("exit 0")) == 0 ? 1 : 0;
    return static_cast<int>(answer(run_shell(command)));
}

FILE* brio_posix_popen(const char* command, const char* mode) {
    direction from_us = direction::in;
    bool keep_cloexec = false;
    if (!understand(mode, from_us, keep_cloexec)) return fail(EINVAL, nullptr, -1);
    return open_shell(command, from_us, keep_cloexec);
}

int brio_posix_pclose(FILE* stream) {
    piped_shell* const row = leave_list(stream);
    if (row == nullptr) return real.pclose(stream);
    const pid_t shell = row->shell;
    delete row;
    forget(::fileno(stream));
    std::fclose(stream);
    return static_cast<int>(answer(take_status_whole(shell)));
}

}  // extern "C"

BRIO_INTERPOSE(system);
BRIO_INTERPOSE(popen);
BRIO_INTERPOSE(pclose);
