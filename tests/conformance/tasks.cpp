// Tasks and futures: made, awaited, cancelled, looked at.

#include "conformance/statements.hpp"

#include <brio/task.hpp>

namespace conformance {

namespace {

void do_spawn(interpreter& self, const json& s) {
    const proc_call call = self.coroutine(s[2]);
    self.vars.insert_or_assign(s[1], self.loop().create_task(call, {.name = s[1]}));
}

bool do_spawn_eager(interpreter& self, frame&, const json& s) {
    const proc_call call = self.coroutine(s[2]);
    const auto task = self.loop().create_task(call, {.name = s[1], .eager_start = true});
    self.vars.insert_or_assign(s[1], task);
    return false;
}

bool do_await(interpreter& self, frame&, const json& s) {
    if (self.missing(s[1])) return false;
    const item awaited = self.item_of(s[1]);
    const auto* const call = std::get_if<proc_call>(&awaited);
    const value result = call != nullptr ? (*call)() : std::get<handle>(awaited).await();
    self.log(s[1].get<std::string>() + " = " + text(result));
    return false;
}

bool do_sleep(interpreter& self, frame&, const json& s) {
    brio::sleep(self.delay_of(s[1]));
    return false;
}

void do_cancel(interpreter& self, const json& s) {
    if (self.missing(s[1])) return;
    const brio::any_future& f = self.variable(s[1]).untyped();
    const bool with_message = s.size() > 2 && !s[2].is_null();
    const bool accepted = with_message ? f.cancel(s[2].get_ref<const std::string&>()) : f.cancel();
    self.log("cancel " + s[1].get<std::string>() + " " + std::string(text(accepted)));
}

void do_cancel_self(interpreter&, const json&) {
    const brio::any_task task = brio::current_task();
    if (task.valid()) task.cancel();
}

bool do_uncancel(interpreter& self, frame&, const json&) {
    self.log("uncancel " + std::to_string(brio::current_task().uncancel()));
    return false;
}

bool do_cancelling(interpreter& self, frame&, const json&) {
    self.log("cancelling " + std::to_string(brio::current_task().cancelling()));
    return false;
}

std::string state_of(const handle& h) {
    const brio::any_future& f = h.untyped();
    if (!f.done()) return "pending";
    if (f.cancelled()) return "cancelled";
    if (const std::exception_ptr error = f.exception()) return "raised " + text(error);
    return "result " + text(h.result());
}

void do_state(interpreter& self, const json& s) {
    if (self.missing(s[1])) return;
    self.log("state " + s[1].get<std::string>() + " " + state_of(self.variable(s[1])));
}

const brio::future<value>& future_of(interpreter& self, const json& s) {
    return std::get<brio::future<value>>(self.vars.at(s[1]).held());
}

void do_set_result(interpreter& self, const json& s) {
    future_of(self, s).set_result(value{s[2].get<std::int64_t>()});
}

void do_set_exception(interpreter& self, const json& s) {
    future_of(self, s).set_exception(user_error{s[2], s[3]});
}

}  // namespace

void add_tasks(vocabulary& words) {
    words.suspending.insert({{"spawn_eager", do_spawn_eager},
                             {"await", do_await},
                             {"sleep", do_sleep},
                             {"uncancel", do_uncancel},
                             {"cancelling", do_cancelling}});
    words.immediate.insert({{"spawn", do_spawn},
                            {"cancel", do_cancel},
                            {"cancel_self", do_cancel_self},
                            {"state", do_state},
                            {"set_result", do_set_result},
                            {"set_exception", do_set_exception}});
}

}  // namespace conformance
