#include "debug/frames.hpp"

#include "context/backtrace.hpp"
#include "scheduler/scheduler.hpp"

#include <brio/detail/task_core.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cxxabi.h>
#include <dlfcn.h>
#include <span>

namespace brio::inline v0 {
namespace detail {
namespace {

using frame_list = std::vector<frame_call_graph_entry>;

std::size_t walk(const fiber& f, std::span<const void*> into) noexcept {
    if (f.leaves == fiber::way::by_host) return 0;
    // The record lies at the top of the stack.
    return f.owner.current() == &f ? backtrace(&f, into)
                                   : backtrace(&f, f.owner.stack_pointer_of(f), into);
}

/// Without the calls that look at them.
void begin_with(frame_list& frames, const frame_request& request) {
    const auto first = std::find_if(frames.begin(), frames.end(), [&](const auto& frame) {
        return frame.address == request.caller;
    });
    if (first == frames.end()) return;
    const auto left = frames.end() - first;
    frames.erase(frames.begin(),
                 first + std::clamp<std::ptrdiff_t>(request.options.depth - 1, 0, left));
}

void keep(frame_list& frames, int limit) {
    const auto wanted = static_cast<std::size_t>(std::abs(static_cast<long>(limit)));
    if (wanted >= frames.size()) return;
    const auto excess = static_cast<std::ptrdiff_t>(frames.size() - wanted);
    if (limit >= 0)
        frames.erase(frames.end() - excess, frames.end());
    else
        frames.erase(frames.begin(), frames.begin() + excess);
}

std::string hexadecimal(std::uintptr_t number) {
    std::array<char, 2 * sizeof number> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
    return "0x" + std::string(digits.data(), end);
}

std::string demangled(const char* name) {
    int status = 0;
    char* const readable = abi::__cxa_demangle(name, nullptr, nullptr, &status);
    std::string text = status == 0 ? readable : name;
    std::free(readable);
    return text;
}

}  // namespace

std::vector<frame_call_graph_entry> frames_of(const fiber& f, const frame_request& request) {
    if (request.options.limit == 0) return {};
    // Twice, because the walk cannot allocate. The second may see fewer frames: not in between.
    std::vector<const void*> addresses(walk(f, {}));
    addresses.resize(std::min(addresses.size(), walk(f, addresses)));
    frame_list frames;
    frames.reserve(addresses.size());
    for (const void* const address : addresses) frames.push_back({address});
    if (f.owner.current() == &f) begin_with(frames, request);
    if (request.options.limit) keep(frames, *request.options.limit);
    return frames;
}

}  // namespace detail

namespace {
std::vector<frame_call_graph_entry> stack_of(const any_task& task, const char* call,
                                             std::optional<std::size_t> limit, const void* caller) {
    task.core().require_own_thread(call);
    const detail::fiber* const f = static_cast<detail::task_core&>(task.core()).running_on();
    if (f == nullptr) return {};
    auto frames = detail::frames_of(*f, {caller, {}});
    if (limit && *limit < frames.size()) frames.resize(*limit);
    std::reverse(frames.begin(), frames.end());
    return frames;
}
}  // namespace

// Not inlined, not even at link time: their return address is where a user's own frames begin.

[[gnu::noinline]] std::vector<frame_call_graph_entry> get_stack(const any_task& task,
                                                                std::optional<std::size_t> limit) {
    return stack_of(task, "get_stack", limit, __builtin_return_address(0));
}

[[gnu::noinline]] void print_stack(const any_task& task, std::optional<std::size_t> limit,
                                   std::FILE* file) {
    const auto frames = stack_of(task, "print_stack", limit, __builtin_return_address(0));
    const std::string who = task.core().describe();
    std::string text = frames.empty() ? "no stack of " + who + "\n"
                                      : "stack of " + who + ", the most recent call last:\n";
    for (const auto& frame : frames) text.append("  ").append(frame.describe()).append("\n");
    std::fputs(text.c_str(), file);
}

std::string frame_call_graph_entry::describe() const {
    // What is called last in a function may return to the first byte behind it.
    const auto call = reinterpret_cast<std::uintptr_t>(address) - 1;
    Dl_info found;
    if (::dladdr(reinterpret_cast<const void*>(call), &found) == 0)
        return detail::hexadecimal(call);
    const auto base = reinterpret_cast<std::uintptr_t>(found.dli_fbase);
    const std::string place =
        std::string("(") + found.dli_fname + "+" + detail::hexadecimal(call - base) + ")";
    return found.dli_sname == nullptr ? place : detail::demangled(found.dli_sname) + " " + place;
}

}  // namespace brio::inline v0
