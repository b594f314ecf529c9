// With BRIO_PRELOAD_MAIN=1 the preloaded layer runs main() itself on a fiber, so that a program which
// knows nothing of Brio is served whole: each blocking call of its main thread suspends.
//
// libc's start routine is interposed, and given another main. The loop is not torn down at the end:
// exit() follows, and a forked child may come back from main() on the loop of its parent.

#include <brio/event_loop.hpp>
#include <brio/run.hpp>

#include <cstdlib>
#include <dlfcn.h>
#include <string_view>

namespace brio::inline v0::detail::posix {

namespace {

using program = int(int, char**, char**);
using start_routine = int(program*, int, char**, void (*)(), void (*)(), void (*)(), void*);

constexpr std::size_t main_stack_size = 64UL << 20U;  // address space: committed when touched

constinit program* main_of_program = nullptr;

int main_on_fiber(int count, char** arguments, char** environment) {
    loop_options options;
    options.handle_sigint = false;  // the program's own affair
    event_loop& loop = (new runner(options))->get_loop();
    task_options main_options;
    main_options.name = "main";
    main_options.stack_size = main_stack_size;
    return loop.run_until_complete(loop.create_task(
        [=] { return main_of_program(count, arguments, environment); }, main_options));
}

bool main_wants_a_fiber() {
    const char* const main = std::getenv("BRIO_PRELOAD_MAIN");
    const char* const layer = std::getenv("BRIO_POSIX");
    return main != nullptr && std::string_view(main) == "1" &&
           (layer == nullptr || std::string_view(layer) != "off");
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

extern "C" __attribute__((visibility("default"))) int __libc_start_main(
    brio::detail::posix::program* main, int count, char** arguments, void (*init)(), void (*fini)(),
    void (*rtld_fini)(), void* stack_end) {
    using namespace brio::detail::posix;
    auto* const libc = reinterpret_cast<start_routine*>(::dlsym(RTLD_NEXT, "__libc_start_main"));
    if (main_wants_a_fiber()) {
        main_of_program = main;
        main = &main_on_fiber;
    }
    return libc(main, count, arguments, init, fini, rtld_fini, stack_end);
}
