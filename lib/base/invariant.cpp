#include "base/invariant.hpp"

#include "base/system_calls.hpp"

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace brio::inline v0::detail {

void (*dump_on_broken_invariant)() noexcept = nullptr;

void broken_invariant(const char* what, const char* file, int line) noexcept {
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, line).ptr;
    for (const std::string_view part :
         {std::string_view("brio: broken invariant: "), std::string_view(what),
          std::string_view(" ("), std::string_view(file), std::string_view(":"),
          std::string_view(digits, end), std::string_view(")\n")}) {
        system_calls::write_error_text(part);
    }
    // Taken out first, so that an invariant that breaks in the dump itself ends here.
    const auto dump = dump_on_broken_invariant;
    dump_on_broken_invariant = nullptr;
    if (dump != nullptr) dump();
    std::abort();
}

}  // namespace brio::inline v0::detail
