// What brio-run asks for. With BRIO_PRELOAD_MAIN=1 the preloaded layer runs main() itself on a fiber, so that a program which
// knows nothing of Brio is served whole: each blocking call of its main thread suspends.
//
// BRIO_RUN_STATS=1 tells at exit how many calls have waited, BRIO_RUN_AUDIT=1 what blocked the thread unseen.
//
// _exit is interposed for that, as it passes by what exit() calls.
//
// libc's start routine is interposed, and given another main. The loop is not torn down at the end:
// exit() follows, and a forked child may come back from main() on the loop of its parent.

#include "base/system_call.hpp"
#include "base/system_calls.hpp"
#include "posix/interruption.hpp"
#include "posix/jumps.hpp"

#include <brio/audit.hpp>
#include <brio/error.hpp>
#include <brio/event_loop.hpp>
#include <brio/run.hpp>

#include <cerrno>
#include <cstdlib>
#include <dlfcn.h>
#include <string>
#include <string_view>
#include <unistd.h>

namespace brio::inline v0::detail::posix {

namespace {

using program = int(int, char**, char**);
using start_routine = int(program*, int, char**, void (*)(), void (*)(), void (*)(), void*);

constexpr std::size_t main_stack_size = 64UL << 20U;  // address space: committed when touched

constinit program* main_of_program = nullptr;

bool is_set(const char* variable) {
    const char* const value = std::getenv(variable);
    return value != nullptr && std::string_view(value) == "1";
}

/// At the end of the process that set it up, and of no child.
constinit pid_t told_by = 0;
constinit event_loop* loop_of_main = nullptr;

void tell_stats() noexcept {
    if (::getpid() != told_by) return;
    system_calls::write_error_text("brio: " + std::string(program_invocation_short_name) + ": " +
                                   std::to_string(waits_of_this_thread()) +
                                   " calls of the main thread have waited by " +
                                   std::string(loop_of_main->reactor_name()) + "\n");
}

void tell_stats_at_exit(event_loop& loop) {
    told_by = ::getpid();
    loop_of_main = &loop;
    std::atexit(&tell_stats);
}

constinit brio::posix::audit* audit_of_main = nullptr;

void tell_audit() noexcept {
    if (::getpid() != told_by || audit_of_main == nullptr) return;
    const std::string who = "brio: " + std::string(program_invocation_short_name) + ": ";
    const auto found = audit_of_main->findings();
    for (const auto& call : found) system_calls::write_error_text(who + call.describe());
    if (found.empty())
        system_calls::write_error_text(who + "no call has blocked the main thread unseen\n");
}

void begin_audit() {
    told_by = ::getpid();
    try {
        audit_of_main = new brio::posix::audit;
        std::atexit(&tell_audit);
    } catch (const usage_error& e) {
        system_calls::write_error_text(std::string(e.what()) + "\n");
    }
}

int main_on_fiber(int count, char** arguments, char** environment) {
    loop_options options;
    options.handle_sigint = false;  // the program's own affair
    event_loop& loop = (new runner(options))->get_loop();
    if (is_set("BRIO_RUN_STATS")) tell_stats_at_exit(loop);
    task_options main_options;
    main_options.name = "main";
    if (is_set("BRIO_RUN_AUDIT")) begin_audit();
    main_options.stack_size = main_stack_size;
    return loop.run_until_complete(loop.create_task(
        [=] { return main_of_program(count, arguments, environment); }, main_options));
}

[[noreturn]] void tell_and_end(int status) noexcept {
    // Not in the middle of what a handler has interrupted, which may be malloc.
    if (::gettid() == ::getpid() && !in_signal_handler::anywhere()) {
        if (loop_of_main != nullptr) tell_stats();
        tell_audit();
    }
    system_call(SYS_exit_group, status);
    __builtin_unreachable();
}

bool main_wants_a_fiber() {
    const char* const layer = std::getenv("BRIO_POSIX");
    return is_set("BRIO_PRELOAD_MAIN") && (layer == nullptr || std::string_view(layer) != "off");
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

extern "C" {

__attribute__((visibility("default"))) void _exit(int status) {
    brio::detail::posix::tell_and_end(status);
}
__attribute__((visibility("default"))) void _Exit(int status) noexcept {
    brio::detail::posix::tell_and_end(status);
}

__attribute__((visibility("default"))) int __libc_start_main(brio::detail::posix::program* main,
                                                             int count, char** arguments,
                                                             void (*init)(), void (*fini)(),
                                                             void (*rtld_fini)(), void* stack_end) {
    using namespace brio::detail::posix;
    auto* const libc = reinterpret_cast<start_routine*>(::dlsym(RTLD_NEXT, "__libc_start_main"));
    if (main_wants_a_fiber()) {
        main_of_program = main;
        main = &main_on_fiber;
    }
    return libc(main, count, arguments, init, fini, rtld_fini, stack_end);
}

}  // extern "C"
