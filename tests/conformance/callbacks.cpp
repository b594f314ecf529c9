// Callbacks: done callbacks, call_soon, call_later. Their bodies run on the loop and do not wait.

#include "conformance/statements.hpp"

namespace conformance {

namespace {

/// The scenario outlives its loop, so a body may be referred to.
struct callback {
    interpreter* self;
    std::string label;
    const json* body;
    void operator()() const {
        self->log("callback " + label);
        self->immediate_block(*body);
    }
};

void do_on_done(interpreter& self, const json& s) {
    if (self.missing(s[1])) return;
    self.variable(s[1]).untyped().add_done_callback(
        [call = callback{&self, s[2], &s[3]}](const brio::any_future&) { call(); });
}

void do_call_soon(interpreter& self, const json& s) {
    self.loop().call_soon(callback{&self, s[1], &s[2]});
}

void do_call_later(interpreter& self, const json& s) {
    self.timers.insert_or_assign(
        s[1], self.loop().call_later(self.delay_of(s[2]), callback{&self, s[3], &s[4]}));
}

void do_cancel_handle(interpreter& self, const json& s) {
    std::string variable = "$";
    variable += s[1];
    if (!self.missing(variable)) self.timers.at(s[1]).cancel();
}

}  // namespace

void add_callbacks(vocabulary& words) {
    words.immediate.insert({{"on_done", do_on_done},
                            {"call_soon", do_call_soon},
                            {"call_later", do_call_later},
                            {"cancel_handle", do_cancel_handle}});
}

}  // namespace conformance
