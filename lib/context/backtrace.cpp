#include "context/backtrace.hpp"

#include <cstdint>
#include <unwind.h>

namespace brio::inline v0::detail {
namespace {

struct walk {
    std::span<const void*> into;
    // Of the stack that is asked about: frames elsewhere are those of the walk itself.
    std::uintptr_t lowest;
    std::uintptr_t top;
    std::size_t count = 0;
};

std::uintptr_t number(const void* place) noexcept {
    return reinterpret_cast<std::uintptr_t>(place);
}

_Unwind_Reason_Code note_frame(_Unwind_Context* frame, void* argument) {
    auto& w = *static_cast<walk*>(argument);
    const std::uintptr_t address = _Unwind_GetIP(frame);
    const std::uintptr_t place = _Unwind_GetCFA(frame);
    if (address == 0 || place < w.lowest || place >= w.top) return _URC_NO_REASON;
    if (w.count < w.into.size()) w.into[w.count] = reinterpret_cast<const void*>(address);
    ++w.count;
    return _URC_NO_REASON;
}

void unwind(void* argument) noexcept {
    _Unwind_Backtrace(&note_frame, argument);
}

}  // namespace

std::size_t backtrace(const void* top, std::span<const void*> into) noexcept {
    walk w{into, 0, number(top)};
    unwind(&w);
    return w.count;
}

std::size_t backtrace(const void* top, void* suspended, std::span<const void*> into) noexcept {
    walk w{into, number(suspended), number(top)};
    brio_v0_call_as_from(suspended, &unwind, &w);
    return w.count;
}

}  // namespace brio::inline v0::detail
