#include "posix/interruption.hpp"

#include "posix/dispatch.hpp"
#include "scheduler/park.hpp"
#include "scheduler/scheduler.hpp"

#include <brio/detail/task_core.hpp>

#include <atomic>
#include <utility>

namespace brio::inline v0::detail::posix {

namespace {

// Handlers walk the list at any moment: it is changed by single stores of its links onward.
constinit thread_local interruptible* volatile first = nullptr;
constinit thread_local std::uint64_t scopes_begun = 0;
constinit thread_local std::uint64_t waits_begun = 0;

std::uint64_t age_of(const fiber& f) noexcept {
    return f.task->number();
}

}  // namespace

/// What handlers of this thread have noted since the loop last looked.
class interruption final : public ready_node {
public:
    constexpr interruption() noexcept : ready_node(kind::bookkeeping, &look) {}

    /// In a signal handler.
    void note(scheduler& loop, bool restart) noexcept {
        before_ = scopes_begun;
        if (!restart) without_restart_ = true;
        const fiber* const running = loop.current();
        running_ = running != nullptr ? age_of(*running) : nobody;
        noted_ = true;
        post(loop);
    }
    /// Likewise, when an interruptible has got its jump.
    void post(scheduler& loop) noexcept {
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (posted_.exchange(true)) return;
        if (!loop.box().post(*this)) posted_ = false;
    }

private:
    static constexpr std::uint64_t nobody = ~std::uint64_t{0};

    static void look(ready_node& node, fate f) {
        auto& self = static_cast<interruption&>(node);
        self.posted_ = false;  // first: a handler that comes from here on posts again
        std::atomic_signal_fence(std::memory_order_seq_cst);
        const bool noted = std::exchange(self.noted_, false);
        const bool without_restart = std::exchange(self.without_restart_, false);
        const std::uint64_t before = self.before_;
        const std::uint64_t running = self.running_;
        if (f != fate::run) return;
        interrupt_those_left();
        if (noted) interrupt_oldest(before, running, without_restart);
    }

    /// Rule 5.
    static void interrupt_those_left() noexcept {
        for (interruptible* w = first; w != nullptr; w = w->next_)
            if (w->jump_.land != nullptr) interrupt(w->self_);
    }

    /// Rules 1 to 3.
    static void interrupt_oldest(std::uint64_t before, std::uint64_t running,
                                 bool without_restart) noexcept {
        interruptible* oldest = nullptr;
        for (interruptible* w = first; w != nullptr; w = w->next_) {
            if (w->number_ > before) continue;
            if (w->restarts_ == restarts::always) continue;
            if (w->restarts_ == restarts::if_the_handler_says && !without_restart) continue;
            if (oldest == nullptr || age_of(w->self_) < age_of(oldest->self_)) oldest = w;
        }
        if (oldest == nullptr || running < age_of(oldest->self_)) return;
        interrupt(oldest->self_);
    }
    static void interrupt(fiber& f) noexcept {
        f.interrupted = true;
        if (f.state == fiber::status::parked && f.waiting_for != nullptr)
            f.waiting_for->interrupt();
    }

    std::uint64_t before_ = 0;
    std::uint64_t running_ = nobody;
    volatile bool without_restart_ = false;
    volatile bool noted_ = false;
    std::atomic<bool> posted_ = false;  // by one step: handlers nest
};

namespace {

constinit thread_local interruption noted;

}  // namespace

void (*before_first_wait)(fiber& self) noexcept = nullptr;

interruptible::interruptible(fiber& self, restarts r) noexcept
    : self_(self), number_(++scopes_begun), restarts_(r), listed_(may_cancel(self)) {
    if (!listed_) return;
    next_ = first;
    if (next_ != nullptr) next_->previous_ = this;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    first = this;
}

interruptible::~interruptible() {
    if (!listed_) return;
    self_.interrupted = false;
    if (next_ != nullptr) next_->previous_ = previous_;
    if (previous_ != nullptr)
        previous_->next_ = next_;
    else
        first = next_;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (jump_.land != nullptr) make_due(jump_);
}

bool interruptible::jumped_out() const noexcept {
    return listed_ && self_.has_to_jump;
}

bool interruptible::jump_out(const void* stack_pointer, const jump& j) noexcept {
    scheduler* const loop = this_scheduler();
    if (loop == nullptr) return false;
    for (interruptible* w = first; w != nullptr; w = w->next_) {
        if (!is_on_stack_of(w->self_, stack_pointer)) continue;
        w->jump_ = j;
        w->self_.has_to_jump = true;
        noted.post(*loop);
        return true;
    }
    return false;
}

void begin_wait(fiber& self) noexcept {
    ++waits_begun;
    resume_dispatch();  // who waits has come back from whatever the audit looked away from
    if (!self.has_waited_in_c && before_first_wait != nullptr) before_first_wait(self);
}

std::uint64_t waits_of_this_thread() noexcept {
    return waits_begun;
}

void note_interruption(bool restart, bool of_running) noexcept {
    scheduler* const loop = this_scheduler();
    if (loop == nullptr || (of_running && loop->current() != nullptr)) return;
    noted.note(*loop, restart);
}

}  // namespace brio::inline v0::detail::posix
