#include "context/stack_overflow.hpp"

#include "base/invariant.hpp"
#include "base/system_calls.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <execinfo.h>
#include <mutex>
#include <sys/mman.h>
#include <system_error>

namespace brio::inline v0::detail {

namespace {

// The unwinder and the symbol look-up need about 10 KiB; a signal frame with AVX-512 registers
// another 3.
constexpr std::size_t signal_stack_size = 64 * 1024;
constexpr int most_frames = 48;

thread_local stack_overflow_reporter* newest_reporter = nullptr;

struct watched_signal {
    int number;
    bool installed;            // guarded by handlers_mutex
    struct sigaction earlier;  // written before our handler is installed, then only read
};

std::mutex handlers_mutex;
std::size_t reporters = 0;  // of all threads; guarded by handlers_mutex
std::array<watched_signal, 2> watched = {{{SIGSEGV, false, {}}, {SIGBUS, false, {}}}};

void write_number(std::size_t number) noexcept {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    system_calls::write_error_text({digits, end});
}

void write_report(const stack& s, std::string_view name) noexcept {
    system_calls::write_error_text("brio: stack overflow in fiber '");
    system_calls::write_error_text(name.empty() ? "(no name)" : name);
    system_calls::write_error_text("': its stack of ");
    write_number(s.size / 1024);
    system_calls::write_error_text(
        " KiB is used up.\n"
        "Give this task a larger one (task_options::stack_size), or every task "
        "(loop_options::stacks.size), or keep large arrays off the stack.\n"
        "Innermost calls:\n");
    std::array<void*, most_frames> frames;
    const int count = ::backtrace(frames.data(), most_frames);
    ::backtrace_symbols_fd(frames.data(), count, STDERR_FILENO);
}

const struct sigaction& earlier_action(int signal) {
    return watched[signal == watched[0].number ? 0 : 1].earlier;
}

// To die as the program would have: the default action must be met by the faulting instruction
// itself, or, for a signal that somebody sent, by the signal once more.
void restore_and_repeat(int signal, const siginfo_t* info) {
    ::sigaction(signal, &earlier_action(signal), nullptr);
    if (info->si_code <= 0) ::raise(signal);
}

void on_fault(int signal, siginfo_t* info, void* machine_state) {
    const int saved_errno = errno;
    const struct sigaction& earlier = earlier_action(signal);
    if (info->si_code > 0 && stack_overflow_reporter::report(info->si_addr)) {
        restore_and_repeat(signal, info);
    } else if ((earlier.sa_flags & SA_SIGINFO) != 0) {
        earlier.sa_sigaction(signal, info, machine_state);
    } else if (earlier.sa_handler == SIG_DFL || earlier.sa_handler == SIG_IGN) {
        restore_and_repeat(signal, info);
    } else {
        earlier.sa_handler(signal);
    }
    errno = saved_errno;
}

void install(watched_signal& w) {
    // Somebody may have put a handler on top of ours, which then stays for good.
    if (w.installed) return;
    struct sigaction ours = {};
    ours.sa_sigaction = on_fault;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigemptyset(&ours.sa_mask);
    ::sigaction(w.number, nullptr, &w.earlier);
    w.installed = ::sigaction(w.number, &ours, nullptr) == 0;
}

void remove(watched_signal& w) {
    struct sigaction current = {};
    ::sigaction(w.number, nullptr, &current);
    if ((current.sa_flags & SA_SIGINFO) == 0 || current.sa_sigaction != on_fault) return;
    w.installed = ::sigaction(w.number, &w.earlier, nullptr) != 0;
}

void add_reporter() {
    // The first backtrace loads the unwinder, which allocates.
    [[maybe_unused]] static const int loaded = [] {
        void* frame = nullptr;
        return ::backtrace(&frame, 1);
    }();
    const std::lock_guard lock(handlers_mutex);
    if (reporters++ == 0) std::for_each(watched.begin(), watched.end(), install);
}

void drop_reporter() {
    const std::lock_guard lock(handlers_mutex);
    if (--reporters == 0) std::for_each(watched.begin(), watched.end(), remove);
}

std::byte* map_signal_stack() {
    void* const memory = ::mmap(nullptr, signal_stack_size, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) {
        throw std::system_error(errno, std::generic_category(), "mmap of a signal stack");
    }
    return static_cast<std::byte*>(memory);
}

}  // namespace

void stack_overflow_reporter::unmapped::operator()(std::byte* memory) const noexcept {
    ::munmap(memory, signal_stack_size);
}

stack_overflow_reporter::stack_overflow_reporter(const stack_pool& pool, fiber_name name_of)
    : pool_(pool), name_of_(name_of), outer_(newest_reporter), signal_stack_(map_signal_stack()) {
    stack_t wanted = {};
    wanted.ss_sp = signal_stack_.get();
    wanted.ss_size = signal_stack_size;
    if (::sigaltstack(&wanted, &earlier_signal_stack_) != 0) {
        throw std::system_error(errno, std::generic_category(), "sigaltstack");
    }
    add_reporter();
    newest_reporter = this;
}

stack_overflow_reporter::~stack_overflow_reporter() {
    invariant(newest_reporter == this, "reporters of stack overflows nest");
    newest_reporter = outer_;
    drop_reporter();
    ::sigaltstack(&earlier_signal_stack_, nullptr);
}

bool stack_overflow_reporter::report(const void* address) noexcept {
    for (const auto* r = newest_reporter; r != nullptr; r = r->outer_) {
        const stack s = r->pool_.guarded_by(address);
        if (s.limit == nullptr) continue;
        std::array<char, name_room::extent> room;
        write_report(s, r->name_of_ == nullptr ? std::string_view() : r->name_of_(s, room));
        return true;
    }
    return false;
}

}  // namespace brio::inline v0::detail
