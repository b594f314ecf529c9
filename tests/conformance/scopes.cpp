// timeout and taskgroup, and what is done inside them.

#include "conformance/statements.hpp"

#include <brio/task_group.hpp>
#include <brio/timeout.hpp>

namespace conformance {

namespace {

bool do_timeout(interpreter& self, frame& f, const json& s) {
    brio::timeout_scope scope(self.delay_of(s[1]));
    const auto log_expired = [&] {
        self.log("timeout expired=" + std::string(text(scope.expired())));
    };
    bool returned = false;
    try {
        returned = scope.run([&] {
            const innermost open(f.timeouts, &scope);
            return self.block(s[2], f);
        });
    } catch (...) {
        log_expired();
        throw;
    }
    log_expired();
    return returned;
}

bool do_reschedule(interpreter& self, frame& f, const json& s) {
    const auto from_now = self.delay_of(s[1]).get();
    if (f.timeouts.empty())
        self.log("no timeout");
    else if (from_now)
        f.timeouts.back()->reschedule(self.loop().time() + *from_now);
    else
        f.timeouts.back()->reschedule(std::nullopt);
    return false;
}

bool do_taskgroup(interpreter& self, frame& f, const json& s) {
    brio::task_group_scope group;
    const bool returned = group.run([&] {
        const innermost open(f.groups, &group);
        return self.block(s[1], f);
    });
    self.log("group left");
    return returned;
}

bool do_group_spawn(interpreter& self, frame& f, const json& s) {
    if (f.groups.empty()) {
        self.log("no group");
        return false;
    }
    const proc_call call = self.coroutine(s[2]);
    self.vars.insert_or_assign(s[1], f.groups.back()->create_task(call, {.name = s[1]}));
    return false;
}

}  // namespace

void add_scopes(vocabulary& words) {
    words.suspending.insert({{"timeout", do_timeout},
                             {"reschedule", do_reschedule},
                             {"taskgroup", do_taskgroup},
                             {"group_spawn", do_group_spawn}});
}

}  // namespace conformance
