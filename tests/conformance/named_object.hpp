#pragma once
// The object that a statement names: s[1].

#include "conformance/interpreter.hpp"

#include <concepts>
#include <string>
#include <variant>

namespace conformance {

inline std::string name_of(const json& s) {
    return s[1];
}

/// act(the object), where act takes one of its type; `unsupported` otherwise.
template <class Act>
void with_object(interpreter& self, const json& s, Act act) {
    const auto visitor = [&](auto& o) {
        if constexpr (std::invocable<Act&, decltype(o)>)
            act(o);
        else
            throw unsupported{s.dump()};
    };
    std::visit(visitor, self.object_of(s[1]));
}

}  // namespace conformance
