// The three queues.

#include "conformance/named_object.hpp"
#include "conformance/statements.hpp"

namespace conformance {

namespace {

template <class T>
concept queue_like = requires(T& t) {
    t.task_done();
};

bool do_put(interpreter& self, frame&, const json& s) {
    with_object(self, s, [&](queue_like auto& q) { q.put(s[2].get<number>()); });
    self.log("put " + name_of(s) + " " + s[2].dump());
    return false;
}

bool do_get(interpreter& self, frame&, const json& s) {
    with_object(self, s, [&](queue_like auto& q) {
        self.log("get " + name_of(s) + " " + std::to_string(q.get()));
    });
    return false;
}

void do_put_nowait(interpreter& self, const json& s) {
    with_object(self, s, [&](queue_like auto& q) { q.put_nowait(s[2].get<number>()); });
}

void do_get_nowait(interpreter& self, const json& s) {
    with_object(self, s, [&](queue_like auto& q) {
        self.log("get " + name_of(s) + " " + std::to_string(q.get_nowait()));
    });
}

void do_task_done(interpreter& self, const json& s) {
    with_object(self, s, [](queue_like auto& q) { q.task_done(); });
}

bool do_join(interpreter& self, frame&, const json& s) {
    with_object(self, s, [](queue_like auto& q) { q.join(); });
    self.log("joined " + name_of(s));
    return false;
}

void do_queue_state(interpreter& self, const json& s) {
    with_object(self, s, [&](queue_like auto& q) {
        self.log(name_of(s) + " size=" + std::to_string(q.qsize()) +
                 " empty=" + std::string(text(q.empty())) + " full=" + std::string(text(q.full())));
    });
}

void do_shutdown(interpreter& self, const json& s) {
    with_object(self, s, [&](queue_like auto& q) { q.shutdown(s[2].get<bool>()); });
}

}  // namespace

void add_queues(vocabulary& words) {
    words.suspending.insert({{"put", do_put}, {"get", do_get}, {"join", do_join}});
    words.immediate.insert({{"put_nowait", do_put_nowait},
                            {"get_nowait", do_get_nowait},
                            {"task_done", do_task_done},
                            {"queue_state", do_queue_state},
                            {"shutdown", do_shutdown}});
}

}  // namespace conformance
