#include "context/context.hpp"

#include <cerrno>
#include <cstdint>
#include <cxxabi.h>
#include <utility>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(limit, top) 0U
#define VALGRIND_STACK_DEREGISTER(stack)
#define RUNNING_ON_VALGRIND 0
#endif

namespace brio::inline v0::detail {

namespace {

// Asked once: the question costs more than the rest of prepare_context.
const bool on_valgrind = [] { return RUNNING_ON_VALGRIND != 0; }();

std::size_t distance(const void* limit, const void* top) {
    return reinterpret_cast<std::uintptr_t>(top) - reinterpret_cast<std::uintptr_t>(limit);
}

#if defined(BRIO_ADDRESS_SANITIZER) || defined(BRIO_THREAD_SANITIZER)
void reported_entry(void* argument) {
    auto& handles = *static_cast<sanitizer_handles*>(argument);
    report_arrival(handles);
    handles.entry(handles.argument);
    __builtin_unreachable();
}

void prepare_sanitizers(sanitizer_handles& handles, void* limit, std::size_t size,
                        void (*&entry)(void*), void*& argument) {
    handles = {};
    handles.limit = limit;
    handles.size = size;
    handles.entry = entry;
    handles.argument = argument;
    entry = reported_entry;
    argument = &handles;
#if defined(BRIO_THREAD_SANITIZER)
    handles.fiber = __tsan_create_fiber(0);
#endif
}
#else
void prepare_sanitizers(sanitizer_handles&, void*, std::size_t, void (*&)(void*), void*&) {}
#endif

}  // namespace

thread_cells thread_cells::of_this_thread() noexcept {
    return {reinterpret_cast<exception_globals*>(abi::__cxa_get_globals()), &errno};
}

void switching::with_own(thread_cells& cells, machine_context& from, void*& save,
                         const machine_context& to, void* load) noexcept {
    const exception_globals exceptions = std::exchange(*cells.exceptions, {});
    if (cells.own != to.own) take_own(cells, nullptr);
    with_nothing(cells, from, save, to, load);
    take_own(cells, from.own);
    *cells.exceptions = exceptions;
}

void prepare_context(machine_context& c, void* limit, void* top, void (*entry)(void*),
                     void* argument) noexcept {
    invariant(reinterpret_cast<std::uintptr_t>(top) % 16 == 0, "a stack top is a multiple of 16");
    const std::size_t size = distance(limit, top);
    if (on_valgrind) [[unlikely]]
        c.valgrind_stack = VALGRIND_STACK_REGISTER(limit, top);
    prepare_sanitizers(c.sanitizers, limit, size, entry, argument);
    c.stack_pointer = brio_v0_prepare_stack(top, entry, argument, size);
}

void release_context(machine_context& c) noexcept {
    c.stack_pointer = nullptr;
    if (on_valgrind) [[unlikely]] {
        VALGRIND_STACK_DEREGISTER(c.valgrind_stack);
    }
#if defined(BRIO_THREAD_SANITIZER)
    __tsan_destroy_fiber(c.sanitizers.fiber);
    c.sanitizers.fiber = nullptr;
#endif
}

}  // namespace brio::inline v0::detail
