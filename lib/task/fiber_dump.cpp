// What the fibers of a loop do, a line each: for deadlock_error, and for the last words of a program
// whose invariants are broken. There nothing can be relied on, so names are not copied, and each
// piece is written before the next one is looked at.

#include "base/invariant.hpp"
#include "base/system_calls.hpp"
#include "task/loop_core.hpp"

#include <array>
#include <charconv>
#include <string_view>

namespace brio::inline v0::detail {
namespace {

std::string_view name_of(fiber::status state) noexcept {
    switch (state) {
        case fiber::status::created:
            return "created";
        case fiber::status::ready:
            return "ready";
        case fiber::status::running:
            return "running";
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
    const void* const innermost =
        f.owner.current() == &f ? __builtin_frame_address(0) : f.saved.stack_pointer;
    const auto used = static_cast<const char*>(f.memory.top) - static_cast<const char*>(innermost);
    out.write(", stack ");
    write_kibibytes(out, static_cast<std::size_t>(used));
    out.write(" of ");
    write_kibibytes(out, f.memory.size);
    out.write(" KiB");
}

void dump_this_loop() noexcept {
    scheduler* const running = this_scheduler();
    if (running == nullptr) return;
    system_calls::write_error_text("brio: the fibers of this loop:\n");
    const auto write = [](void*, std::string_view text) { system_calls::write_error_text(text); };
    static_cast<loop_core*>(running)->describe_fibers({write, nullptr});
}

// Here, because this file is in every program that has a loop.
[[maybe_unused]] const bool installed = (dump_on_broken_invariant = &dump_this_loop, true);

}  // namespace

void loop_core::describe_fibers(const text_writer& out) const {
    for (const task_core* t = first_task_; t != nullptr; t = t->next_) {
        const fiber& f = *t->fiber_;
        std::array<char, task_core::longest_number> room;
        out.write("  task '");
        out.write(t->name_in(room));
        out.write("': ");
        out.write(name_of(f.state));
        if (f.cancel_pending) out.write(", cancel pending");
        write_stack_use(out, f);
        if (f.state == fiber::status::parked && f.waiting_for != nullptr) {
            out.write(", waits for ");
            out.write(f.waiting_for->describe());
        }
        out.write("\n");
    }
}

}  // namespace brio::inline v0::detail
