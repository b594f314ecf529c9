// gather, wait, wait_for, shield, as_completed.

#include "conformance/statements.hpp"

#include <brio/wait.hpp>

#include <algorithm>
#include <set>

namespace conformance {

namespace {

bool do_gather(interpreter& self, frame&, const json& s) {
    if (self.missing(s[1])) return false;
    const value results = gather(self.items_of(s[1]), s[2]).await();
    self.log("gather = " + text(results));
    return false;
}

void do_gather_start(interpreter& self, const json& s) {
    if (self.missing(s[2])) return;
    self.vars.insert_or_assign(s[1], gather(self.items_of(s[2]), s[3]));
}

brio::completion completion_of(const std::string& name) {
    if (name == "FIRST_COMPLETED") return brio::first_completed;
    if (name == "FIRST_EXCEPTION") return brio::first_exception;
    return brio::all_completed;
}

/// The items whose variables are among `futures`, by name.
std::string names_of(interpreter& self, const json& items,
                     const std::vector<brio::any_future>& futures) {
    const std::set<std::string> names(items.begin(), items.end());
    std::string text;
    for (const std::string& name : names) {
        const brio::any_future& f = self.variable(name).untyped();
        if (std::find(futures.begin(), futures.end(), f) == futures.end()) continue;
        text += text.empty() ? "" : ", ";
        text += name;
    }
    return text;
}

bool do_wait(interpreter& self, frame&, const json& s) {
    if (self.missing(s[1])) return false;
    const auto futures = untyped(self.variables(s[1]));
    const auto [done, pending] =
        brio::wait(futures, {.timeout = self.delay_of(s[2]), .return_when = completion_of(s[3])});
    self.log("wait done=[" + names_of(self, s[1], done) + "] pending=[" +
             names_of(self, s[1], pending) + "]");
    return false;
}

bool do_wait_for(interpreter& self, frame&, const json& s) {
    if (self.missing(s[1])) return false;
    const item awaited = self.item_of(s[1]);
    const auto* const call = std::get_if<proc_call>(&awaited);
    const value result = call != nullptr ? brio::wait_for(*call, self.delay_of(s[2]))
                                         : std::get<handle>(awaited).wait_for(self.delay_of(s[2]));
    self.log("wait_for = " + text(result));
    return false;
}

bool do_shield(interpreter& self, frame&, const json& s) {
    if (self.missing(s[1])) return false;
    const item awaited = self.item_of(s[1]);
    const auto* const call = std::get_if<proc_call>(&awaited);
    const value result =
        call != nullptr ? brio::shield(*call).await() : std::get<handle>(awaited).shield();
    self.log("shield = " + text(result));
    return false;
}

value result_of(const brio::any_future& f, const std::vector<handle>& handles) {
    const auto same = [&](const handle& h) { return h.untyped() == f; };
    return std::find_if(handles.begin(), handles.end(), same)->await();
}

void log_completed(interpreter& self, const brio::any_future& f, const std::vector<handle>& all) {
    try {
        self.log("as_completed = " + text(result_of(f, all)));
    } catch (const brio::cancelled_error&) {
        throw;
    } catch (const brio::timeout_error&) {
        throw;
    } catch (...) {
        self.log("as_completed ! " + text(std::current_exception()));
    }
}

/// In Python the awaiting of an item raises TimeoutError, in brio the step to it; a child's own
/// TimeoutError ends the loop in the oracle too.
bool do_as_completed(interpreter& self, frame&, const json& s) {
    if (self.missing(s[1])) return false;
    const std::vector<handle> handles = ensure_futures(self.items_of(s[1]));
    try {
        for (const brio::any_future& f : brio::as_completed(untyped(handles), self.delay_of(s[2])))
            log_completed(self, f, handles);
    } catch (const brio::timeout_error&) {
        self.log("as_completed timed out");
    }
    return false;
}

}  // namespace

void add_combinators(vocabulary& words) {
    words.suspending.insert({{"gather", do_gather},
                             {"wait", do_wait},
                             {"wait_for", do_wait_for},
                             {"shield", do_shield},
                             {"as_completed", do_as_completed}});
    words.immediate.insert({{"gather_start", do_gather_start}});
}

}  // namespace conformance
