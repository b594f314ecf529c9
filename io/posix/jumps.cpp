#include "posix/jumps.hpp"

#include "base/invariant.hpp"
#include "scheduler/scheduler.hpp"

namespace brio::inline v0::detail::posix {

namespace {

constinit thread_local in_signal_handler* volatile outermost = nullptr;
constinit thread_local jump due = {};
constinit thread_local const fiber* due_to_jump = nullptr;

}  // namespace

in_signal_handler::in_signal_handler(jmp_buf& way_out) noexcept : way_out_(way_out) {
    if (outermost == nullptr) outermost = this;
}
in_signal_handler::~in_signal_handler() {
    if (outermost == this) outermost = nullptr;
}
bool in_signal_handler::anywhere() noexcept {
    return outermost != nullptr;
}
bool in_signal_handler::has(const void* stack_pointer) noexcept {
    return stack_pointer >= __builtin_frame_address(0) && stack_pointer < outermost;
}
jmp_buf* in_signal_handler::leave_all() noexcept {
    in_signal_handler* const all = outermost;
    outermost = nullptr;
    return all != nullptr ? &all->way_out_ : nullptr;
}

void make_due(const jump& j) noexcept {
    fiber* const self = this_fiber();
    invariant(due.land == nullptr || due_to_jump == self, "one fiber of a thread jumps at a time");
    due_to_jump = self;
    self->has_to_jump = true;
    due = j;
}
bool jump_is_due() noexcept {
    return due.land != nullptr && due_to_jump == this_fiber();
}
void land_jump() noexcept {
    if (!jump_is_due() || in_signal_handler::anywhere()) return;
    auto* const land = due.land;
    due.land = nullptr;
    this_fiber()->has_to_jump = false;
    if (land(due)) return;
    this_fiber()->has_to_jump = true;
    due.land = land;
}

}  // namespace brio::inline v0::detail::posix
