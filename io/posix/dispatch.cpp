// Calls with an effect on the thread's registers, stack, mask or handlers need more than being made:
//   rt_sigreturn                    from here, on the stack that it is about
//   fork, vfork, clone, clone3      where they stand, since they come back twice; dispatch is left off until
//   sigaltstack                     resume_dispatch(). The kernel leaves it off in children.
//   rt_sigprocmask                  on the mask that the handler's return brings back
//   rt_sigaction                    with a mask that leaves SIGSYS open

#include "posix/dispatch.hpp"

#include "base/system_call.hpp"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <link.h>
#include <sys/prctl.h>
#include <sys/ucontext.h>
#include <ucontext.h>

namespace brio::inline v0::detail::posix {

namespace {
constinit thread_local call_watch watch_of_thread = nullptr;

constexpr std::uint64_t bit_of(int signal) noexcept {
    return std::uint64_t{1} << (signal - 1);
}

void open_mask_of_thread() noexcept {
    const std::uint64_t open = bit_of(SIGSYS);
    system_call(SYS_rt_sigprocmask, SIG_UNBLOCK, &open, nullptr, kernel_sigset_size);
}
}  // namespace

long make(const caught_call& call) noexcept {
    const long* const a = call.arguments;
    return system_call_6(call.number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

long make_watched(const caught_call& call) noexcept {
    if (watch_of_thread == nullptr) return make(call);
    const long result = watch_of_thread(call);
    if (call.number == SYS_rt_sigprocmask) open_mask_of_thread();  // else the next call is the last
    return result;
}

#if defined(__x86_64__)

// Without unwind tables: a signal's frame is known by just these instructions.
asm(R"(
    .text
    .globl brio_v0_dispatch_return
    .hidden brio_v0_dispatch_return
    .type brio_v0_dispatch_return, @function
brio_v0_dispatch_return:
    movq $15, %rax
    syscall
    .size brio_v0_dispatch_return, . - brio_v0_dispatch_return
)");
extern "C" void brio_v0_dispatch_return() noexcept;

namespace {

constexpr int set_dispatch = 59;  // PR_SET_SYSCALL_USER_DISPATCH
constexpr char allow = 0;
constexpr char block = 1;

constinit thread_local volatile char selector = allow;

/// As the kernel takes it.
struct kernel_action {
    void (*handler)(int, siginfo_t*, void*);
    unsigned long flags;
    void (*restorer)();
    std::uint64_t mask;
};
constexpr unsigned long own_restorer = 0x04000000;
constinit kernel_action action_before = {};

/// The mask that the thread will have, changed as rt_sigprocmask would.
long change_mask(const caught_call& call, ucontext_t& context) noexcept {
    std::uint64_t mask = 0;
    std::memcpy(&mask, &context.uc_sigmask, sizeof mask);
    const auto* const given = reinterpret_cast<const std::uint64_t*>(call.arguments[1]);
    std::uint64_t changed = mask;
    if (given != nullptr) {
        switch (static_cast<int>(call.arguments[0])) {
            case SIG_BLOCK:
                changed = mask | *given;
                break;
            case SIG_UNBLOCK:
                changed = mask & ~*given;
                break;
            case SIG_SETMASK:
                changed = *given;
                break;
            default:
                return -EINVAL;
        }
    }
    changed &= ~(bit_of(SIGSYS) | bit_of(SIGKILL) | bit_of(SIGSTOP));
    if (call.arguments[2] != 0)
        std::memcpy(reinterpret_cast<void*>(call.arguments[2]), &mask, sizeof mask);
    std::memcpy(&context.uc_sigmask, &changed, sizeof changed);
    return 0;
}

long change_action(caught_call call) noexcept {
    const auto* const given = reinterpret_cast<const kernel_action*>(call.arguments[1]);
    if (given == nullptr) return make(call);
    if (call.arguments[0] == SIGSYS) return 0;  // the audit's
    kernel_action open = *given;
    open.mask &= ~bit_of(SIGSYS);
    call.arguments[1] = reinterpret_cast<long>(&open);
    return make(call);
}

bool has_to_stand(long number) noexcept {
    return number == SYS_fork || number == SYS_vfork || number == SYS_clone ||
           number == SYS_clone3 || number == SYS_sigaltstack;
}

void on_call(int, siginfo_t* info, void* given) {
    auto& context = *static_cast<ucontext_t*>(given);
    greg_t* const registers = context.uc_mcontext.gregs;
    selector = allow;
    const caught_call call = {info->si_syscall,
                              {registers[REG_RDI], registers[REG_RSI], registers[REG_RDX],
                               registers[REG_R10], registers[REG_R8], registers[REG_R9]},
                              info->si_call_addr};
    if (has_to_stand(call.number)) {
        registers[REG_RAX] = call.number;
        registers[REG_RIP] -= 2;  // the instruction
        return;
    }
    if (call.number == SYS_rt_sigreturn) {
        registers[REG_RIP] = reinterpret_cast<greg_t>(&brio_v0_dispatch_return);
    } else {
        registers[REG_RAX] = call.number == SYS_rt_sigprocmask ? change_mask(call, context)
                             : call.number == SYS_rt_sigaction ? change_action(call)
                                                               : watch_of_thread(call);
    }
    selector = block;
}

struct code_range {
    std::uintptr_t start;
    std::size_t size;
};

/// The code of the object in which this is.
code_range own_code() noexcept {
    code_range found = {};
    ::dl_iterate_phdr(
        [](dl_phdr_info* object, std::size_t, void* into) {
            const auto place = reinterpret_cast<std::uintptr_t>(&brio_v0_dispatch_return);
            for (int i = 0; i < object->dlpi_phnum; ++i) {
                const auto& segment = object->dlpi_phdr[i];
                const std::uintptr_t start = object->dlpi_addr + segment.p_vaddr;
                if (segment.p_type != PT_LOAD || place < start || place >= start + segment.p_memsz)
                    continue;
                *static_cast<code_range*>(into) = {start, segment.p_memsz};
                return 1;
            }
            return 0;
        },
        &found);
    return found;
}

long set_action(int signal, const kernel_action* action, kernel_action* before) noexcept {
    return system_call(SYS_rt_sigaction, signal, action, before, kernel_sigset_size);
}

/// Rule 4, of the handlers that are there.
void open_masks() noexcept {
    for (int signal = 1; signal < _NSIG; ++signal) {
        kernel_action action = {};
        if (set_action(signal, nullptr, &action) < 0 || (action.mask & bit_of(SIGSYS)) == 0)
            continue;
        action.mask &= ~bit_of(SIGSYS);
        set_action(signal, &action, nullptr);
    }
    open_mask_of_thread();
}

}  // namespace

int begin_dispatch(call_watch watch) noexcept {
    const code_range own = own_code();
    kernel_action ours = {};
    ours.handler = &on_call;
    ours.flags = SA_SIGINFO | SA_NODEFER | own_restorer;
    ours.restorer = &brio_v0_dispatch_return;
    if (const long error = set_action(SIGSYS, &ours, &action_before); error < 0)
        return static_cast<int>(-error);
    open_masks();
    watch_of_thread = watch;
    selector = allow;
    const long error =
        system_call(SYS_prctl, set_dispatch, 1, own.start, own.size, const_cast<char*>(&selector));
    if (error < 0) {
        set_action(SIGSYS, &action_before, nullptr);
        return static_cast<int>(-error);
    }
    selector = block;
    return 0;
}

void end_dispatch() noexcept {
    selector = allow;
    system_call(SYS_prctl, set_dispatch, 0, 0, 0, 0);
    set_action(SIGSYS, &action_before, nullptr);
    watch_of_thread = nullptr;
}

void resume_dispatch() noexcept {
    if (watch_of_thread != nullptr) selector = block;
}

#else

int begin_dispatch(call_watch) noexcept {
    return ENOSYS;
}
void end_dispatch() noexcept {}
void resume_dispatch() noexcept {}

#endif

}  // namespace brio::inline v0::detail::posix
