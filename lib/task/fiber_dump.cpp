// What the fibers of a loop do, a line each: for call graphs, and for the last words of a program
// whose invariants are broken. There nothing can be relied on, so names are not copied, and each
// piece is written before the next one is looked at.

#include "task/loop_core.hpp"

#include <array>
#include <charconv>
#include <string_view>

namespace brio::inline v0::detail {
namespace {

std::string_view name_of_state(const fiber& f) noexcept {
    switch (f.state) {
        case fiber::status::created:
            return "created";
        case fiber::status::runnable:
            return f.owner.current() == &f ? "running" : "ready";
        case fiber::status::parked:
            return "parked";
        case fiber::status::finished:
            return "finished";
    }
    return "in no known state";
}

void write_kibibytes(const text_writer& out, std::size_t bytes) {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.begin(), digits.end(), (bytes + 1023) / 1024).ptr;
    out.write({digits.data(), end});
}

void write_stack_use(const text_writer& out, const fiber& f) {
    if (f.leaves == fiber::way::by_host) return out.write(", a guest");
    const void* const innermost =
        f.owner.current() == &f ? __builtin_frame_address(0) : f.owner.stack_pointer_of(f);
    const auto used = static_cast<const char*>(f.memory.top) - static_cast<const char*>(innermost);
    out.write(", stack ");
    write_kibibytes(out, static_cast<std::size_t>(used));
    out.write(" of ");
    write_kibibytes(out, f.memory.size);
    out.write(" KiB");
}

}  // namespace

void describe_fiber(const text_writer& out, const fiber& f) {
    out.write(name_of_state(f));
    if (f.cancel_pending) out.write(", cancel pending");
    write_stack_use(out, f);
    if (f.state != fiber::status::parked || f.waiting_for == nullptr) return;
    out.write(", waits for ");
    out.write(f.waiting_for->describe());
}

void loop_core::describe_fibers(const text_writer& out) const {
    for (const task_list* const list : {&tasks_, &background_}) {
        for (const task_core* t = list->first; t != nullptr; t = t->next_) {
            std::array<char, task_core::longest_number> room;
            out.write("  task '");
            out.write(t->name_in(room));
            out.write("': ");
            describe_fiber(out, *t->fiber_);
            out.write("\n");
        }
    }
}

}  // namespace brio::inline v0::detail
