#pragma once
// The words of the language. Each is one function that calls brio's function of the same name and
// logs; `s` is the whole statement, s[0] its name.

#include "conformance/interpreter.hpp"

#include <map>
#include <string_view>

namespace conformance {

/// The oracle's do_NAME: may suspend, stands only in procs. True when a `return` ran.
using suspending_word = bool (*)(interpreter& self, frame& f, const json& s);
/// The oracle's sync_NAME: stands in callbacks too.
using immediate_word = void (*)(interpreter& self, const json& s);

struct vocabulary {
    std::map<std::string_view, suspending_word> suspending;
    std::map<std::string_view, immediate_word> immediate;
};

void add_flow(vocabulary& words);
void add_tasks(vocabulary& words);
void add_callbacks(vocabulary& words);
void add_combinators(vocabulary& words);
void add_scopes(vocabulary& words);
void add_synchronisation(vocabulary& words);
void add_queues(vocabulary& words);
void add_context(vocabulary& words);

}  // namespace conformance
