// lock, event, condition, semaphore, barrier.

#include "conformance/named_object.hpp"
#include "conformance/statements.hpp"

namespace conformance {

namespace {

template <class T>
T& get(interpreter& self, const json& s) {
    return std::get<T>(self.object_of(s[1]));
}

template <class T>
concept lockable = requires(T& t) {
    t.acquire();
};

bool do_acquire(interpreter& self, frame&, const json& s) {
    with_object(self, s, [](lockable auto& o) { o.acquire(); });
    self.log("acquire " + name_of(s) + " True");
    return false;
}

void do_release(interpreter& self, const json& s) {
    with_object(self, s, [](lockable auto& o) { o.release(); });
}

void do_locked(interpreter& self, const json& s) {
    with_object(self, s, [&](lockable auto& o) {
        self.log("locked " + name_of(s) + " " + std::string(text(o.locked())));
    });
}

template <class Lockable>
bool block_holding(Lockable& o, interpreter& self, frame& f, const json& s) {
    o.acquire();
    bool returned = false;
    try {
        self.log("in " + name_of(s));
        returned = self.block(s[2], f);
    } catch (...) {
        o.release();
        throw;
    }
    o.release();
    return returned;
}

bool do_with(interpreter& self, frame& f, const json& s) {
    bool returned = false;
    with_object(self, s, [&](lockable auto& o) { returned = block_holding(o, self, f, s); });
    self.log("out " + name_of(s));
    return returned;
}

bool do_event_wait(interpreter& self, frame&, const json& s) {
    get<brio::event>(self, s).wait();
    self.log(name_of(s) + " True");
    return false;
}

void do_event_set(interpreter& self, const json& s) {
    get<brio::event>(self, s).set();
}

void do_event_clear(interpreter& self, const json& s) {
    get<brio::event>(self, s).clear();
}

bool do_condition_wait(interpreter& self, frame&, const json& s) {
    get<brio::condition>(self, s).wait();
    self.log(name_of(s) + " True");
    return false;
}

bool do_condition_wait_for(interpreter& self, frame&, const json& s) {
    const int& counter = self.counters[s[2]];
    get<brio::condition>(self, s).wait_for([&] { return counter >= s[3].get<int>(); });
    self.log(name_of(s) + " True");
    return false;
}

void do_notify(interpreter& self, const json& s) {
    get<brio::condition>(self, s).notify(s[2]);
}

void do_notify_all(interpreter& self, const json& s) {
    get<brio::condition>(self, s).notify_all();
}

void do_increment(interpreter& self, const json& s) {
    ++self.counters[s[1]];
}

bool do_barrier_wait(interpreter& self, frame&, const json& s) {
    const std::size_t index = get<brio::barrier>(self, s).wait();
    self.log(name_of(s) + " index " + std::to_string(index));
    return false;
}

bool do_barrier_abort(interpreter& self, frame&, const json& s) {
    get<brio::barrier>(self, s).abort();
    return false;
}

bool do_barrier_reset(interpreter& self, frame&, const json& s) {
    get<brio::barrier>(self, s).reset();
    return false;
}

void do_barrier_state(interpreter& self, const json& s) {
    const auto& b = get<brio::barrier>(self, s);
    self.log(name_of(s) + " waiting=" + std::to_string(b.n_waiting()) +
             " broken=" + std::string(text(b.broken())));
}

}  // namespace

void add_synchronisation(vocabulary& words) {
    words.suspending.insert({{"acquire", do_acquire},
                             {"with", do_with},
                             {"event_wait", do_event_wait},
                             {"condition_wait", do_condition_wait},
                             {"condition_wait_for", do_condition_wait_for},
                             {"barrier_wait", do_barrier_wait},
                             {"barrier_abort", do_barrier_abort},
                             {"barrier_reset", do_barrier_reset}});
    words.immediate.insert({{"release", do_release},
                            {"locked", do_locked},
                            {"event_set", do_event_set},
                            {"event_clear", do_event_clear},
                            {"notify", do_notify},
                            {"notify_all", do_notify_all},
                            {"increment", do_increment},
                            {"barrier_state", do_barrier_state}});
}

}  // namespace conformance
