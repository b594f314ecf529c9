#include "posix/interruption.hpp"

#include "posix/dispatch.hpp"
#include "scheduler/park.hpp"
#include "scheduler/scheduler.hpp"

#include <brio/detail/task_core.hpp>

#include <atomic>
#include <utility>

namespace brio::inline v0::detail::posix {

namespace {

constinit thread_local interruptible* first = nullptr;
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
        before_ = waits_begun;
        if (!restart) without_restart_ = true;
        const fiber* const running = loop.current();
        running_ = running != nullptr ? age_of(*running) : nobody;
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (std::exchange(posted_, true)) return;
        if (!loop.box().post(*this)) posted_ = false;
    }

private:
    static constexpr std::uint64_t nobody = ~std::uint64_t{0};

    static void look(ready_node& node, fate f) {
        auto& self = static_cast<interruption&>(node);
        const std::uint64_t before = self.before_;
        const std::uint64_t running = self.running_;
        const bool without_restart = std::exchange(self.without_restart_, false);
        self.posted_ = false;
        if (f == fate::run) interrupt_oldest(before, running, without_restart);
    }

    /// Rules 1 to 3.
    static void interrupt_oldest(std::uint64_t before, std::uint64_t running,
                                 bool without_restart) noexcept {
        interruptible* oldest = nullptr;
        for (interruptible* w = first; w != nullptr; w = w->next_) {
            if (w->number_ > before) continue;
            if (w->restarts_ == restarts::if_the_handler_says && !without_restart) continue;
            if (oldest == nullptr || age_of(w->self_) < age_of(oldest->self_)) oldest = w;
        }
        if (oldest == nullptr || running < age_of(oldest->self_)) return;
        fiber& f = oldest->self_;
        f.interrupted = true;
        if (f.state == fiber::status::parked && f.waiting_for != nullptr)
            f.waiting_for->interrupt();
    }

    std::uint64_t before_ = 0;
    std::uint64_t running_ = nobody;
    volatile bool without_restart_ = false;
    volatile bool posted_ = false;
};

namespace {

constinit thread_local interruption noted;

}  // namespace

interruptible::interruptible(fiber& self, restarts r) noexcept
    : self_(self), number_(++waits_begun), restarts_(r), listed_(may_interrupt(self)) {
    resume_dispatch();  // who waits has come back from whatever the audit looked away from
    if (!listed_) return;
    next_ = first;
    if (first != nullptr) first->previous_ = this;
    first = this;
}

interruptible::~interruptible() {
    if (!listed_) return;
    self_.interrupted = false;
    (previous_ != nullptr ? previous_->next_ : first) = next_;
    if (next_ != nullptr) next_->previous_ = previous_;
}

std::uint64_t waits_of_this_thread() noexcept {
    return waits_begun;
}

void note_interruption(bool restart, bool thread_only) noexcept {
    scheduler* const loop = this_scheduler();
    if (loop == nullptr || (thread_only && loop->current() != nullptr)) return;
    noted.note(*loop, restart);
}

}  // namespace brio::inline v0::detail::posix
