// The portable switch, on Boost.Context's jump_fcontext. The only file that includes Boost.Context.
//
// jump_fcontext hands the saved pointer of the execution that was left to the one that is
// continued, so it is the continued side that fills in `here` of the other. Each execution's
// `suspended` lies on its own stack: in the frame of the switch, or, before it has begun, at the
// top.

#include "context/switch.hpp"

#include <boost/context/detail/fcontext.hpp>
#include <cerrno>
#include <new>

namespace {

using boost::context::detail::fcontext_t;
using boost::context::detail::transfer_t;

struct suspended {
    fcontext_t here = nullptr;
    suspended* next = nullptr;  // valid while this one is switching: the execution it continues
    int error_number = 0;
    void (*entry)(void*) = nullptr;  // these two only before the execution has begun
    void* argument = nullptr;
};

void first_frame(transfer_t arrival) {
    auto* left = static_cast<suspended*>(arrival.data);
    left->here = arrival.fctx;
    const suspended self = *left->next;
    errno = 0;
    self.entry(self.argument);
}

}  // namespace

extern "C" void brio_v0_switch_stack(void** save, void* load, int* error_number) noexcept {
    suspended self;
    self.error_number = *error_number;
    self.next = static_cast<suspended*>(load);
    *save = &self;
    const transfer_t arrival = boost::context::detail::jump_fcontext(self.next->here, &self);
    static_cast<suspended*>(arrival.data)->here = arrival.fctx;
    *error_number = self.error_number;
}

// Jumped to on x86-64, so the stack may be 8 off what a called function finds; and named there in
// assembly only, which link-time optimisation does not read.
extern "C" {
#if defined(__x86_64__)
[[gnu::force_align_arg_pointer]]
#endif
[[gnu::used]] void
brio_v0_continue_stack(void* load, int* error_number) noexcept {
    void* nowhere = nullptr;
    brio_v0_switch_stack(&nowhere, load, error_number);
    __builtin_unreachable();
}
}

// Where jump_fcontext keeps the registers is its own affair.
extern "C" void brio_v0_call_as_from(void*, void (*)(void*) noexcept, void*) noexcept {}

extern "C" void* brio_v0_prepare_stack(void* top, void (*entry)(void*), void* argument,
                                       std::size_t size) noexcept {
    constexpr std::size_t reserved = (sizeof(suspended) + 15) / 16 * 16;
    void* place = static_cast<char*>(top) - reserved;
    auto* first = ::new (place) suspended;
    first->here = boost::context::detail::make_fcontext(place, size - reserved, first_frame);
    first->entry = entry;
    first->argument = argument;
    return first;
}
