#include "testing/scripted_reactor.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace brio::inline v0 {
namespace detail {

/// An operation in flight. The timer ends it: with its result, or because it was cancelled.
struct scripted_reactor::entry final : timer {
    entry(scripted_reactor& r, operation& o, const answer& a, bool answered)
        : timer(kind::bookkeeping, &due), owner(r), op(o), says(a), has_answer(answered) {}

    static void due(ready_node& node, fate f) {
        auto& self = static_cast<entry&>(node);
        if (f == fate::run) self.owner.end(self, self.result);
    }

    scripted_reactor& owner;
    operation& op;
    answer says;
    bool has_answer;
    bool ended = false;
    int result = 0;
};

scripted_reactor::scripted_reactor(scheduler& loop) noexcept : loop_(loop) {}

scripted_reactor::~scripted_reactor() {
    for (const auto& e : in_flight_entries_)
        if (!e->ended) end(*e, -ECANCELED);
    wait(duration::zero());
}

void scripted_reactor::submit(operation& op) {
    ++in_flight_;
    note("submit", op);
    const bool answered = !script_.empty();
    answer says;
    if (answered) {
        says = script_.front();
        script_.pop_front();
    }
    in_flight_entries_.push_back(std::make_unique<entry>(*this, op, says, answered));
    if (answered) end_after(*in_flight_entries_.back(), says.after, says.result);
}

void scripted_reactor::cancel(operation& op) noexcept {
    note("cancel", op);
    entry& e = entry_of(op);
    if (!e.ended && e.says.stoppable) end_after(e, e.says.stops_after, e.says.when_stopped);
}

void scripted_reactor::complete(int result, std::size_t index) {
    end(*in_flight_entries_.at(index), result);
}

void scripted_reactor::end_after(entry& e, duration delay, int result) {
    e.result = result;
    loop_.disarm(e);
    if (delay > duration::zero())
        loop_.arm(e, loop_.now() + delay);
    else
        end(e, result);
}

/// The timer may be due in the very turn in which something else ends the operation: its entry in the
/// ready queue runs before the next wait() deletes it, and changes nothing.
void scripted_reactor::end(entry& e, int result) noexcept {
    if (e.ended) return;
    loop_.disarm(e);
    e.ended = true;
    e.result = result;
    done_.push_back(&e);
}

void scripted_reactor::wait(duration timeout) {
    if (done_.empty() && timeout == duration::max()) {
        std::string text = "the loop would sleep for ever; in flight:";
        for (const auto& e : in_flight_entries_) text.append(" ").append(describe(e->op));
        throw std::logic_error(text);
    }
    for (entry* const e : std::exchange(done_, {})) {
        note("complete", e->op);
        operation& op = e->op;
        op.result = e->result;
        std::erase_if(in_flight_entries_, [e](const auto& each) { return each.get() == e; });
        --in_flight_;
        op.completed(op);
    }
}

void scripted_reactor::note(const char* what, const operation& op) {
    log_.push_back(std::string(what) + " " + describe(op));
}

scripted_reactor::entry& scripted_reactor::entry_of(const operation& op) noexcept {
    return **std::find_if(in_flight_entries_.begin(), in_flight_entries_.end(),
                          [&](const auto& each) { return &each->op == &op; });
}

scripted_reactor& use_script(scheduler& loop) {
    auto made = std::make_unique<scripted_reactor>(loop);
    scripted_reactor& script = *made;
    loop.use_reactor(std::move(made));
    return script;
}

}  // namespace detail
}  // namespace brio::inline v0
