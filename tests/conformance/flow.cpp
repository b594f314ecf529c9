// return, repeat, raise, reraise, try, log, call.

#include "conformance/statements.hpp"

#include <brio/error.hpp>

namespace conformance {

namespace {

bool do_return(interpreter&, frame& f, const json& s) {
    f.result = {s[1].get<std::int64_t>()};
    return true;
}

bool do_repeat(interpreter& self, frame& f, const json& s) {
    for (int i = s[1]; i > 0; --i)
        if (self.block(s[2], f)) return true;
    return false;
}

bool do_raise(interpreter&, frame&, const json& s) {
    if (s[1] != "CancelledError") throw user_error{s[1], s[2]};
    if (s[2].is_null()) throw brio::cancelled_error();
    throw brio::cancelled_error(s[2].get_ref<const std::string&>());
}

bool do_reraise(interpreter& self, frame& f, const json&) {
    if (!f.handling.empty()) std::rethrow_exception(f.handling.back());
    self.log("nothing to reraise");
    return false;
}

/// Inside the catch: the first handler that takes the error runs there, and may suspend.
bool handle_error(interpreter& self, frame& f, const json& handlers) {
    const std::exception_ptr error = std::current_exception();
    for (const json& handler : handlers) {
        if (!is_a(error, handler[0].get_ref<const std::string&>())) continue;
        self.log("caught " + text(error));
        const innermost handled(f.handling, error);
        return self.block(handler[1], f);
    }
    throw;
}

bool try_except_else(interpreter& self, frame& f, const json& s) {
    try {
        if (self.block(s[1], f)) return true;
    } catch (...) {
        return handle_error(self, f, s[2]);
    }
    return self.block(s[3], f);
}

bool do_try(interpreter& self, frame& f, const json& s) {
    bool returned = false;
    try {
        returned = try_except_else(self, f, s);
    } catch (...) {
        self.block(s[4], f);
        throw;
    }
    return self.block(s[4], f) || returned;
}

void do_log(interpreter& self, const json& s) {
    self.log(s[1]);
}

bool do_call(interpreter& self, frame&, const json& s) {
    const std::string& proc = s[1].get_ref<const std::string&>();
    self.log(proc + "() = " + text(self.proc(proc)));
    return false;
}

}  // namespace

void add_flow(vocabulary& words) {
    words.suspending.insert({{"return", do_return},
                             {"repeat", do_repeat},
                             {"raise", do_raise},
                             {"reraise", do_reraise},
                             {"try", do_try},
                             {"call", do_call}});
    words.immediate.insert({{"log", do_log}});
}

}  // namespace conformance
