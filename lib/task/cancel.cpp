#include "task/cancel.hpp"

#include "scheduler/park.hpp"
#include "task/loop_core.hpp"

#include <brio/error.hpp>
#include <brio/gather.hpp>

#include <vector>

namespace brio::inline v0::detail {

namespace {
/// Who gets the request in place of `f`, which awaits him; null when it is for `f`.
future_core* cancel_goes_to(const fiber& f) noexcept {
    future_core* const next = f.cancellable ? future_awaited_by(f) : nullptr;
    return next != nullptr && passes_cancel_on(*next) && !next->done() ? next : nullptr;
}
}  // namespace

/// One request on its way, without recursion: what it goes through may be deeper than a stack.
/// 1. A gather is marked while its children are asked, a task while a chain of tasks is followed. To
///    meet a mark is to have gone in a circle; whoever is not in it is asked all the same.
/// 2. asyncio's order: depth first, children in the order of the arguments.
class cancel_walk {
public:
    explicit cancel_walk(std::string_view message) noexcept : message_(message) {}

    cancel_result from(future_core& first) {
        bool accepted = ask(first);
        while (!path_.empty()) {
            step& at = path_.back();
            at.accepted = at.accepted || accepted;
            if (at.next < at.gather.size())
                accepted = ask(at.gather.child(at.next++));
            else
                accepted = leave();
        }
        return {accepted, circle_};
    }

private:
    struct step {
        gather_core& gather;
        task_core* waits;  // for the gather; null when the cancel came from its handle or a gather
        std::size_t next = 0;
        bool accepted = false;  // by one of the children
    };

    /// True when it has been accepted; of a gather that has been entered nobody knows yet.
    bool ask(future_core& f) {
        if (f.is_task()) return ask_task(static_cast<task_core&>(f));
        if (!f.is_gather()) return f.cancel(message_);
        return !f.done() && enter(static_cast<gather_core&>(f), nullptr);
    }
    bool ask_task(task_core& first);
    bool enter(gather_core& gather, task_core* waits) {
        static_cast<void>(gather.mark());
        path_.push_back({gather, waits});
        return false;
    }
    bool leave() noexcept;
    bool found_circle(task_core* in_it) noexcept {
        circle_ = in_it;
        return true;
    }

    std::string_view message_;
    task_core* circle_ = nullptr;
    std::vector<step> path_;  // from gather to gather
};

bool cancel_walk::ask_task(task_core& first) {
    first.mark_retrieved();
    if (first.done() || first.fiber_ == nullptr) return false;
    task_core* last = &first;
    future_core* next = &first;
    while (next != nullptr && next->is_task() && next->mark()) {
        last = static_cast<task_core*>(next);
        next = cancel_goes_to(*last->fiber_);
    }
    const bool in_circle = next != nullptr && next->marked();
    const bool asked_before = in_circle && next->is_gather();
    for (task_core* t = &first;; t = static_cast<task_core*>(cancel_goes_to(*t->fiber_))) {
        t->unmark();
        if (!asked_before) ++t->cancels_requested_;
        if (t == last) break;
    }
    if (in_circle) return found_circle(last);
    if (next != nullptr) return enter(static_cast<gather_core&>(*next), last);
    request_cancel(*last->fiber_, message_);
    return true;
}

/// asyncio: who waits for a gather that refuses finds the request at his next suspension.
bool cancel_walk::leave() noexcept {
    const step done = path_.back();
    path_.pop_back();
    done.gather.unmark();
    if (done.accepted)
        done.gather.cancel_requested_ = true;
    else if (done.waits != nullptr)
        leave_cancel_pending(*done.waits->fiber_, message_);
    return done.accepted || done.waits != nullptr;
}

cancel_result pass_cancel_on(future_core& f, std::string_view message) {
    return cancel_walk(message).from(f);
}

namespace {
/// True when somebody accepted it.
bool accepted_or_throw(const cancel_result& result) {
    if (result.circle != nullptr) [[unlikely]]
        throw usage_error("cancel: the " + result.circle->describe() +
                          " waits for itself, by way of what it awaits: no cancel can end that");
    return result.accepted;
}

/// Ends the wait of a task in a circle, which nothing that it awaits can.
void cut_short(fiber& f) noexcept {
    future_awaited_by(f)->waiters().remove(f);
    f.waiting_for = nullptr;
    leave_cancel_pending(f, {});
    f.owner.wake(f);
}
}  // namespace

bool cancel_or_throw(future_core& f, std::string_view message) {
    return accepted_or_throw(pass_cancel_on(f, message));
}

void cancel_or_report(future_core& f) noexcept {
    const cancel_result result = pass_cancel_on(f, {});
    try {
        accepted_or_throw(result);
    } catch (const usage_error&) {
        cut_short(*result.circle->running_on());
        f.retain();
        const any_future handle(&f, adopt_t{});
        f.loop().report({"a task that was to be cancelled waits for itself: its wait is cut short",
                         std::current_exception(), handle});
    }
}

}  // namespace brio::inline v0::detail
