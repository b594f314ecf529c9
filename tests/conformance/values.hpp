#pragma once
// What procs return and raise, and how a trace prints it: as asyncio's oracle does, down to the
// type names.

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace conformance {

struct value;
using list = std::vector<value>;

/// None, an int, a list, or an exception that gather(return_exceptions) put into one.
struct value {
    std::variant<std::monostate, std::int64_t, list, std::exception_ptr> content;
};

/// A scenario's own E1, E2 or E3.
struct user_error {
    std::string kind;
    std::string message;
};
/// The scenario asks for what the runner does not have; never part of a trace.
struct unsupported {
    std::string what;
};

[[nodiscard]] std::string text(const value& v);
[[nodiscard]] std::string text(const std::exception_ptr& error);
[[nodiscard]] std::string_view text(bool b);
/// isinstance(error, kind), `kind` being a name as in `try`.
[[nodiscard]] bool is_a(const std::exception_ptr& error, std::string_view kind);

}  // namespace conformance
