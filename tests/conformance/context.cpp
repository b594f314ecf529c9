// Context variables.

#include "conformance/statements.hpp"

namespace conformance {

namespace {

brio::context_var<number>& variable_of(interpreter& self, const json& s) {
    return std::get<brio::context_var<number>>(self.object_of(s[1]));
}

void do_context_set(interpreter& self, const json& s) {
    variable_of(self, s).set(s[2]);
}

void do_context_get(interpreter& self, const json& s) {
    self.log(s[1].get<std::string>() + " is " + std::to_string(variable_of(self, s).get()));
}

}  // namespace

void add_context(vocabulary& words) {
    words.immediate.insert({{"context_set", do_context_set}, {"context_get", do_context_get}});
}

}  // namespace conformance
