// What the audit notes of the calls that dispatch.hpp hands it, and how it tells.
//
// 1. In the handler nothing allocates: findings are of fixed size, and are put into words later.
// 2. A call has slept when the thread's count of voluntary switches has grown. Calls of the core library,
//    where that is another object than the layer, are the loop's own.

#include "base/system_call.hpp"
#include "context/backtrace.hpp"
#include "posix/caller.hpp"
#include "posix/dispatch.hpp"
#include "posix/real.hpp"
#include "scheduler/scheduler.hpp"

#include <brio/audit.hpp>
#include <brio/detail/task_core.hpp>
#include <brio/error.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <dlfcn.h>
#include <memory>
#include <sys/resource.h>
#include <utility>

namespace brio::inline v0::posix {

namespace {

using detail::fiber;
using detail::system_call;
using detail::posix::caught_call;

constexpr std::size_t most_findings = 64;
constexpr std::size_t most_frames = 64;

struct note {
    long number;
    std::int64_t nanoseconds;
    std::array<char, 64> task;
    std::size_t frames;
    std::array<const void*, most_frames> stack;
};

struct notes {
    std::size_t count = 0;
    std::array<note, most_findings> all;
};

constinit thread_local notes* notes_of_thread = nullptr;

long times_slept() noexcept {
    rusage usage = {};
    system_call(SYS_getrusage, RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

std::int64_t now() noexcept {
    timespec time = {};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

const void* object_of(const void* code) noexcept {
    Dl_info found = {};
    return ::dladdr(code, &found) != 0 ? found.dli_fbase : nullptr;
}

/// Rule 2. Where both are one object its calls are not caught at all.
bool is_the_loops_own(const void* from) noexcept {
    const void* const core = object_of(reinterpret_cast<const void*>(&detail::perform));
    const void* const layer = object_of(reinterpret_cast<const void*>(&times_slept));
    return core != layer && object_of(from) == core;
}

/// The frames from the call on.
std::size_t stack_at(const caught_call& call, const fiber* who,
                     std::array<const void*, most_frames>& into) noexcept {
    const void* const top = who != nullptr ? static_cast<const void*>(who)
                                           : reinterpret_cast<const void*>(~std::uintptr_t{0});
    const std::size_t found = std::min(detail::backtrace(top, into), into.size());
    const auto end = into.begin() + static_cast<std::ptrdiff_t>(found);
    const auto first = std::find(into.begin(), end, call.from);
    if (first == end) return found;
    return static_cast<std::size_t>(std::copy(first, end, into.begin()) - into.begin());
}

void take_note(const caught_call& call, std::int64_t length) noexcept {
    notes& found = *notes_of_thread;
    if (found.count == most_findings) return;
    const detail::scheduler* const loop = detail::this_scheduler();
    const fiber* const who = loop != nullptr ? loop->current() : nullptr;
    note& n = found.all[found.count];
    n = {};
    n.number = call.number;
    n.nanoseconds = length;
    if (who != nullptr) {
        std::array<char, detail::task_core::longest_number> room;
        const std::string_view name = who->task->name_in(room);
        std::copy_n(name.data(), std::min(name.size(), n.task.size() - 1), n.task.data());
    }
    n.frames = stack_at(call, who, n.stack);
    ++found.count;
}

bool counts(const caught_call& call) noexcept {
    const fiber* const who = detail::posix::suspendable_fiber();
    const detail::scheduler* const loop = detail::this_scheduler();
    const bool in_callback = loop != nullptr && loop->current() == nullptr;
    return (who != nullptr || in_callback) && !is_the_loops_own(call.from);
}

long watch(const caught_call& call) noexcept {
    const long slept_before = times_slept();
    const std::int64_t begin = now();
    const long result = make(call);
    const std::int64_t length = now() - begin;
    if (times_slept() != slept_before && counts(call)) take_note(call, length);
    return result;
}

struct named_call {
    long number;
    const char* name;
    const char* remedy;
};

constexpr const char* by_name =
    "made inside libc or by hand, where no interposed function is called: call the function of "
    "that name, or use "
    "brio::to_thread";
constexpr const char* of_disk = "waits for the disk: use brio::to_thread or brio::io::file";
constexpr const char* of_lock =
    "a lock that is not libc's pthread or C11 one (an allocator's, a stream's, another "
    "language's): use brio::to_thread";
constexpr const char* of_other = "use brio::to_thread";

constexpr std::array calls = {
    named_call{SYS_read, "read", by_name},
    named_call{SYS_write, "write", by_name},
    named_call{SYS_readv, "readv", by_name},
    named_call{SYS_writev, "writev", by_name},
    named_call{SYS_recvfrom, "recvfrom", by_name},
    named_call{SYS_recvmsg, "recvmsg", by_name},
    named_call{SYS_sendto, "sendto", by_name},
    named_call{SYS_sendmsg, "sendmsg", by_name},
    named_call{SYS_recvmmsg, "recvmmsg", by_name},
    named_call{SYS_sendmmsg, "sendmmsg", by_name},
    named_call{SYS_sendfile, "sendfile", by_name},
    named_call{SYS_splice, "splice", by_name},
    named_call{SYS_tee, "tee", by_name},
    named_call{SYS_vmsplice, "vmsplice", of_other},
    named_call{SYS_copy_file_range, "copy_file_range", by_name},
    named_call{SYS_pread64, "pread", by_name},
    named_call{SYS_pwrite64, "pwrite", by_name},
    named_call{SYS_connect, "connect", by_name},
    named_call{SYS_accept4, "accept4", by_name},
    named_call{SYS_ppoll, "ppoll", by_name},
    named_call{SYS_pselect6, "pselect", by_name},
    named_call{SYS_epoll_pwait, "epoll_wait", by_name},
    named_call{SYS_nanosleep, "nanosleep", by_name},
    named_call{SYS_clock_nanosleep, "clock_nanosleep", by_name},
    named_call{SYS_wait4, "wait4", by_name},
    named_call{SYS_waitid, "waitid", by_name},
    named_call{SYS_flock, "flock", by_name},
    named_call{SYS_fcntl, "fcntl", by_name},
    named_call{SYS_rt_sigtimedwait, "sigtimedwait", by_name},
    named_call{SYS_rt_sigsuspend, "sigsuspend", by_name},
    named_call{SYS_futex, "futex", of_lock},
    named_call{SYS_openat, "openat", of_disk},
    named_call{SYS_getdents64, "getdents64", of_disk},
    named_call{SYS_newfstatat, "fstatat", of_disk},
    named_call{SYS_statx, "statx", of_disk},
    named_call{SYS_fsync, "fsync", of_disk},
    named_call{SYS_fdatasync, "fdatasync", of_disk},
    named_call{SYS_sync, "sync", of_disk},
    named_call{SYS_msync, "msync", of_disk},
    named_call{SYS_unlinkat, "unlinkat", of_disk},
    named_call{SYS_renameat2, "renameat2", of_disk},
    named_call{SYS_msgrcv, "msgrcv", of_other},
    named_call{SYS_semtimedop, "semop", of_other},
    named_call{SYS_mq_timedreceive, "mq_receive", of_other},
#if defined(__x86_64__)
    named_call{SYS_poll, "poll", by_name},
    named_call{SYS_select, "select", by_name},
    named_call{SYS_epoll_wait, "epoll_wait", by_name},
    named_call{SYS_pause, "pause", by_name},
    named_call{SYS_accept, "accept", by_name},
    named_call{SYS_open, "open", of_disk},
    named_call{SYS_semop, "semop", of_other},
#endif
};

const named_call* known(long number) noexcept {
    const auto* const found = std::find_if(calls.begin(), calls.end(),
                                           [=](const named_call& c) { return c.number == number; });
    return found == calls.end() ? nullptr : found;
}

const char* remedy_for(const std::string& name) noexcept {
    for (const named_call& c : calls)
        if (name == c.name) return c.remedy;
    return of_other;
}

std::string milliseconds(std::chrono::nanoseconds length) {
    std::array<char, 32> text;
    std::snprintf(text.data(), text.size(), "%.2f ms", static_cast<double>(length.count()) / 1e6);
    return text.data();
}

/// 0 or an errno.
int begin() noexcept {
    std::array<const void*, 1> room;
    (void)detail::backtrace(nullptr, room);  // the unwinder allocates when it is called first
    return detail::posix::begin_dispatch(&watch);
}

}  // namespace

std::string unseen_call::describe() const {
    std::string text = name + " blocked the loop's thread for " + milliseconds(length) +
                       (task.empty() ? std::string(" in a callback") : " in task '" + task + "'") +
                       "\n  " + remedy_for(name) + "\n";
    for (const frame_call_graph_entry& frame : call_stack)
        text.append("  at ").append(frame.describe()).append("\n");
    return text;
}

audit::audit() {
    if (notes_of_thread != nullptr)
        throw usage_error("brio::posix::audit: this thread has one already");
    auto room = std::make_unique<notes>();
    notes_of_thread = room.get();
    if (const int error = begin(); error != 0) {
        notes_of_thread = nullptr;
        throw usage_error(std::string("brio::posix::audit: no Syscall User Dispatch here: ") +
                          std::strerror(error));
    }
    (void)room.release();
}

audit::~audit() {
    detail::posix::end_dispatch();
    delete std::exchange(notes_of_thread, nullptr);
}

bool audit::available() noexcept {
    if (notes_of_thread != nullptr) return true;
    notes none;
    notes_of_thread = &none;
    const bool works = begin() == 0;
    if (works) detail::posix::end_dispatch();
    notes_of_thread = nullptr;
    return works;
}

std::vector<unseen_call> audit::findings() const {
    std::vector<unseen_call> told;
    for (std::size_t i = 0; i < notes_of_thread->count; ++i) {
        const note& n = notes_of_thread->all[i];
        const named_call* const call = known(n.number);
        unseen_call one;
        one.name = call != nullptr ? call->name : "system call " + std::to_string(n.number);
        one.task = n.task.data();
        one.length = std::chrono::nanoseconds(n.nanoseconds);
        for (std::size_t frame = 0; frame < n.frames; ++frame)
            one.call_stack.push_back({n.stack[frame]});
        told.push_back(std::move(one));
    }
    return told;
}

}  // namespace brio::inline v0::posix
