#include "posix/jumps.hpp"

#include "base/invariant.hpp"
#include "scheduler/scheduler.hpp"

#include <utility>

namespace brio::inline v0::detail::posix {

namespace {

constinit thread_local in_signal_handler* volatile outermost = nullptr;
constinit thread_local jump due = {};
constinit thread_local const fiber* due_to_jump = nullptr;

}  // namespace

in_signal_handler::in_signal_handler() noexcept {
    if (outermost == nullptr) outermost = this;
}
in_signal_handler::~in_signal_handler() {
    if (outermost == this) outermost = nullptr;
}
bool in_signal_handler::anywhere() noexcept {
    return outermost != nullptr;
}
void in_signal_handler::all_are_over() noexcept {
    outermost = nullptr;
}
jmp_buf& in_signal_handler::way_out_of_all() noexcept {
    return outermost->way_out;
}

void make_due(const jump& j) noexcept {
    const fiber* const self = this_fiber();
    invariant(due.place == nullptr || due_to_jump == self, "one fiber of a thread jumps at a time");
    due = j;
    due_to_jump = self;
}
bool jump_is_due() noexcept {
    return due.place != nullptr && due_to_jump == this_fiber();
}
void land_jump() noexcept {
    if (!jump_is_due()) return;
    const jump now = std::exchange(due, {});
    if (!now.land(now)) due = now;
}

}  // namespace brio::inline v0::detail::posix
