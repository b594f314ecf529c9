#include "scheduler/scheduler.hpp"

#include "base/private_descriptor.hpp"
#include "scheduler/guest.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <new>
#include <stdexcept>
#include <utility>

namespace brio::inline v0 {

time_point clock::now() noexcept {
    if (const detail::scheduler* s = detail::this_scheduler()) return s->now();
    timespec t;
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return time_point(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
}

namespace detail {

constinit thread_local scheduler* running_scheduler = nullptr;

void throw_not_a_duration() {
    throw std::invalid_argument("delay: not a number");
}

namespace {
thread_local char thread_mark;
}

const void* scheduler::this_thread_mark() noexcept {
    return &thread_mark;
}

scheduler::scheduler(const scheduler_options& options)
    : cells_(thread_cells::of_this_thread()),
      mailbox_(new mailbox),
      virtual_clock_(options.virtual_clock),
      stacks_(options.stacks),
      thread_(this_thread_mark()),
      reactor_kind_(options.reactor),
      announce_reactor_(options.announce_reactor) {
    make_room_for_descriptors();
}

scheduler::~scheduler() {
    close();
    mailbox_->release();
}

// ---------------------------------------------------------------------------- the loop's own half

class scheduler::running_scope {
public:
    explicit running_scope(scheduler& s) : loop_(s) {
        loop_.mailbox_->woke_up();
        loop_.running_ = true;
        running_scheduler = &loop_;
    }
    running_scope(const running_scope&) = delete;
    running_scope& operator=(const running_scope&) = delete;
    ~running_scope() {
        take_own(loop_.cells_, nullptr);
        loop_.running_ = loop_.stopping_ = false;
        if (loop_.wake_descriptor_ != nullptr) loop_.leave_for_host();
        running_scheduler = nullptr;
    }

private:
    scheduler& loop_;
};

void scheduler::run() {
    const running_scope scope(*this);
    begin_turn();
    run_turns();
}

/// The turn under way is the last one, so that two fibers that only yield to each other come back.
void scheduler::run_once(duration longest) {
    const running_scope scope(*this);
    begin_turn(longest);
    stopping_ = true;
    run_turns();
}

void scheduler::run_turns() {
    for (;;) {
        const ready_queue::slot next = handed_back_ != nullptr
                                           ? ready_queue::slot{std::exchange(handed_back_, nullptr)}
                                           : ready_.pop_front();
        ready_node& node = *next.node;
        if (next.stack_pointer != nullptr)
            static_cast<fiber&>(node).saved.stack_pointer = next.stack_pointer;
        if (node.what != ready_node::kind::marker) {
            if (watch_ != nullptr) [[unlikely]]
                watch_(*this, node);
            else
                run_node(node);
        } else if (stopping_) {
            return;
        } else {
            begin_turn();
        }
    }
}

void scheduler::run_node(ready_node& node) {
    if (node.what == ready_node::kind::fiber) return enter(static_cast<fiber&>(node));
    own_state* const left_here = cells_.own;
    if (node.what == ready_node::kind::callback) take_own(cells_, nullptr);
    node.run(node, ready_node::fate::run);
    take_own(cells_, left_here);
}

void scheduler::enter(fiber& f) noexcept {
    set_current(&f);
    own_.own = nullptr;
    switch_context(cells_, own_, f.saved);
}

/// Its step ends like an eager first one: here, and not with a switch to the next fiber.
void scheduler::come_back_from(fiber& f) noexcept {
    f.creating_fiber = nullptr;
    f.creator = &own_;
    lead(f, fiber::way::to_creator);
}

void scheduler::run_watched(ready_node& node) {
    if (node.what == ready_node::kind::fiber) come_back_from(static_cast<fiber&>(node));
    run_node(node);
}

/// The step under way is not watched, but the next one is: nobody else may switch past this stack.
void scheduler::watch_steps(void (*watch)(scheduler&, ready_node&)) noexcept {
    watch_ = watch;
    if (watch == nullptr || current_ == nullptr) return;
    fiber* outermost = current_;
    while (outermost->leaves == fiber::way::to_creator && outermost->creating_fiber != nullptr)
        outermost = outermost->creating_fiber;
    if (outermost->leaves == fiber::way::onward) come_back_from(*outermost);
}

void scheduler::begin_turn(duration longest_sleep) {
    ++turns_;
    mailbox_->collect(ready_);
    if (const unsigned n = mailbox_->take_interrupts(); n > 0 && interrupt_handler_ != nullptr)
        interrupt_handler_(interrupt_argument_, n);
    if (ready_.empty() && !stopping_)
        wait_for_something(longest_sleep);
    else if (reactor_ != nullptr && reactor_->in_flight() > 0 && reactor_->has_work())
        reactor_->wait(duration::zero());
    append_due_timers();
    ready_.push_back(marker_);
}

time_point scheduler::next_deadline() const noexcept {
    return timers_.empty() ? time_point::max() : std::max(timers_.next(), virtual_now_);
}

void scheduler::wait_for_something(duration longest) {
    if (!when_idle_.empty()) return run_when_idle();
    if (!virtual_clock_) return sleep_until_something(longest);
    const bool io_under_way = reactor_ != nullptr && reactor_->in_flight() > 0;
    if (io_under_way) reactor_->wait(duration::zero());
    if (!ready_.empty()) return;
    if (!timers_.empty() || longest < duration::max())
        virtual_now_ = std::min(next_deadline(), after(virtual_now_, longest));
    else if (io_under_way || expected_posts_ > 0)
        sleep_until_something(longest);
    else
        throw nothing_can_happen{};
}

void scheduler::run_when_idle() {
    if (reactor_ != nullptr && reactor_->in_flight() > 0) reactor_->wait(duration::zero());
    if (!ready_.empty() || (!timers_.empty() && timers_.next() <= now())) return;
    while (ready_node* const node = when_idle_.pop_front()) run_node(*node);
}

void scheduler::sleep_until_something(duration longest) {
    duration limit = longest;
    if (!timers_.empty()) limit = std::clamp(timers_.next() - now(), duration::zero(), longest);
    if (limit > duration::zero() && !mailbox_->prepare_to_sleep()) limit = duration::zero();
    if (limit > duration::zero() || (reactor_ != nullptr && reactor_->in_flight() > 0))
        io().wait(limit);
    mailbox_->woke_up();
    mailbox_->collect(ready_);
}

void scheduler::append_due_timers() noexcept {
    if (timers_.empty()) return;
    const time_point at = now();
    while (timer* due = timers_.pop_due(at)) ready_.push_back(*due);
}

reactor& scheduler::io() {
    if (reactor_ == nullptr) {
        chosen_reactor chosen = make_reactor(reactor_kind_, *mailbox_);
        reactor_.reset(chosen.made);
        reactor_reason_ = std::move(chosen.reason);
        if (announce_reactor_) std::fprintf(stderr, "brio: reactor %s\n", reactor_reason_.c_str());
    }
    return *reactor_;
}

int scheduler::descriptor_for_host() {
    if (wake_descriptor_ == nullptr) {
        wake_descriptor_ = std::make_unique<wake_descriptor>(io().descriptor());
        if (!running_) leave_for_host();
    }
    return wake_descriptor_->number();
}

/// The mailbox stays as if the loop slept: who posts rings, and the reactor's descriptor tells.
void scheduler::leave_for_host() noexcept {
    const bool box_is_empty = mailbox_->prepare_to_sleep();
    const duration longest = reactor_->settle();
    if (!box_is_empty || !mailbox_->empty() || !ready_.empty() || longest == duration::zero())
        wake_descriptor_->wake_at_once();
    else
        wake_descriptor_->wake_at(std::min(after(now(), longest), next_deadline()));
}

void scheduler::make_named_reactor() {
    if (reactor_is_named(reactor_kind_)) (void)io();
}

namespace {
void drop(ready_node& node) noexcept {
    if (node.what == ready_node::kind::callback || node.what == ready_node::kind::bookkeeping)
        node.run(node, ready_node::fate::drop);
}
}  // namespace

void scheduler::close() noexcept {
    if (closed_) return;
    invariant(!running_, "a loop is closed while it runs");
    closed_ = true;
    wake_descriptor_.reset();
    reactor_.reset();
    if (finished_ != nullptr) reap();
    for (ready_node* node = mailbox_->close(); node != nullptr;) {
        ready_node* const after = node->next;
        drop(*node);
        node = after;
    }
    drop_ready();
    while (timer* t = timers_.pop()) drop(*t);
}

void scheduler::drop_ready() noexcept {
    while (!ready_.empty()) drop(*ready_.pop_front().node);
}

time_point scheduler::now() const noexcept {
    if (virtual_clock_) return virtual_now_;
    timespec t;
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return time_point(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
}

// ---------------------------------------------------------------------- the suspending fiber's half
//
// A yield and a park are each split by hand. The first part calls nothing but the switch, and that as
// its last act: so it needs no frame, a suspended fiber touches fewer cache lines, and a yield is one
// call deep. What it has no answer for is left, untouched, to the slow part.

[[gnu::noinline]] void scheduler::yield() noexcept {
    const ready_queue::slot next = ready_.front();
    if (next.stack_pointer == nullptr || leads_elsewhere_) return yield_otherwise();
    fiber& self = *current_;
    ready_.pop_front();
    change(self, ready_.push_back_unchecked(self), next);
}

void scheduler::yield_otherwise() noexcept {
    if (leads_elsewhere_ || !next_is_at_hand(true)) [[unlikely]]
        return yield_slowly();
    fiber& self = *current_;
    const ready_queue::slot next = take_next(true);
    void*& save = ready_.push_back_unchecked(self);
    ready_.push_back_unchecked(marker_) = nullptr;
    change(self, save, next);
}

void scheduler::park() noexcept {
    fiber& self = *current_;
    const bool turn_ends = ready_.front().stack_pointer == nullptr;
    const bool woken_already = self.state != fiber::status::parked;
    if (leads_elsewhere_ || woken_already || !next_is_at_hand(turn_ends)) [[unlikely]]
        return park_slowly();
    const ready_queue::slot next = take_next(turn_ends);
    if (turn_ends) ready_.push_back_unchecked(marker_) = nullptr;
    change(self, self.saved.stack_pointer, next);
}

void scheduler::yield_slowly() noexcept {
    fiber& self = *current_;
    if (self.leaves == fiber::way::by_host) {
        ready_.push_back(self);
        return guest_host_->suspend();
    }
    ready_.push_back(self, &self);
    if (self.leaves == fiber::way::to_creator) return change_to_creator(self, own_slot(self));
    const ready_queue::slot next = next_fiber();
    if (next.node != &self) change_slowly(self, own_slot(self), next);
}

void scheduler::park_slowly() noexcept {
    fiber& self = *current_;
    const auto save = [&]() -> void*& {
        return self.state == fiber::status::parked ? self.saved.stack_pointer : own_slot(self);
    };
    if (self.leaves == fiber::way::by_host) return guest_host_->suspend();
    if (self.leaves == fiber::way::to_creator) return change_to_creator(self, save());
    const ready_queue::slot next = next_fiber();  // may wake this one
    if (next.node != &self) change_slowly(self, save(), next);
}

/// From the running fiber to another one.
[[gnu::always_inline]] inline void scheduler::change(fiber& self, void*& save,
                                                     const ready_queue::slot& next) noexcept {
    auto& other = static_cast<fiber&>(*next.node);
    current_ = &other;
    prefetch();
    switch_context(cells_, self.saved, save, other.saved, next.stack_pointer);
}

/// Likewise; and to the loop's own stack where there is no next one.
void scheduler::change_slowly(fiber& self, void*& save, const ready_queue::slot& next) noexcept {
    if (next.node != nullptr) return change(self, save, next);
    set_current(nullptr);
    own_.own = cells_.own;
    switch_context(cells_, self.saved, save, own_, own_.stack_pointer);
}

void scheduler::change_to_creator(fiber& self, void*& save) noexcept {
    self.leaves = fiber::way::onward;
    set_current(self.creating_fiber);
    if (current_ == nullptr) own_.own = cells_.own;
    switch_context(cells_, self.saved, save, *self.creator, self.creator->stack_pointer);
}

/// Where the stack pointer of the running fiber goes, which is in the queue already: near its end.
void*& scheduler::own_slot(const fiber& self) noexcept {
    return ready_.find(self)->stack_pointer;
}

void* scheduler::stack_pointer_of(const fiber& f) const noexcept {
    const auto* const queued = f.state == fiber::status::runnable ? ready_.find(f) : nullptr;
    return queued != nullptr ? queued->stack_pointer : f.saved.stack_pointer;
}

/// Whether the next one to run is a fiber, and no call is needed to find that out. `turn_ends`: the
/// first in the queue is no fiber, so it had better be the marker.
[[gnu::always_inline]] inline bool scheduler::next_is_at_hand(bool turn_ends) const noexcept {
    if (!turn_ends) [[likely]]
        return true;
    return ready_.front().node == &marker_ && turn_is_clearly_trivial() && ready_.size() >= 2 &&
           ready_.ahead(1).stack_pointer != nullptr;
}

/// Precondition: next_is_at_hand(). Where the turn ends the marker has to go to the end of the queue.
[[gnu::always_inline]] inline ready_queue::slot scheduler::take_next(bool turn_ends) noexcept {
    if (turn_ends) {
        ++turns_;
        ready_.pop_front();
    }
    return ready_.pop_front();
}

/// No call, no clock: for everything else turn_is_trivial() has the last word.
inline bool scheduler::turn_is_clearly_trivial() const noexcept {
    return !stopping_ && mailbox_->empty() && timers_.empty() &&
           (reactor_ == nullptr || reactor_->in_flight() == 0);
}

bool scheduler::turn_is_trivial() const noexcept {
    return !ready_.empty() && !stopping_ && mailbox_->empty() &&
           (reactor_ == nullptr || reactor_->in_flight() == 0 || !reactor_->has_work()) &&
           (timers_.empty() || timers_.next() > now());
}

/// The next fiber to run; none when the loop's own stack has to go on first, with `handed_back_`.
ready_queue::slot scheduler::next_fiber() noexcept {
    for (;;) {
        const ready_queue::slot next = ready_.pop_front();
        ready_node& node = *next.node;
        if (node.what == ready_node::kind::fiber) return next;
        if (node.what == ready_node::kind::bookkeeping) {
            node.run(node, ready_node::fate::run);
        } else if (node.what == ready_node::kind::marker && turn_is_trivial()) {
            ++turns_;
            ready_.push_back(node);
        } else {
            handed_back_ = &node;
            return {};
        }
    }
}

/// Fetches what a later switch will touch: the innermost frames of a fiber some way behind, and with
/// them the translation of its page, which costs more than the line. One fetch: a second one to the same
/// page waits for the same translation. Measured with 10,000 fibers: 24 ns a switch without, 16.5 with
/// two, 15.2 with one; 8 to 20 fibers ahead are equal. Fewer fibers are in the first cache anyway.
[[gnu::always_inline]] inline void scheduler::prefetch() const noexcept {
    constexpr std::size_t distance = 12;
    if (ready_.size() > distance) __builtin_prefetch(ready_.ahead(distance).stack_pointer, 1);
}

[[gnu::always_inline]] inline void scheduler::finish(fiber& self) noexcept {
    self.state = fiber::status::finished;
    set_cancel_pending(self, false);
    take_own(cells_, nullptr);
    if (finished_ != nullptr) reap();
    finished_ = &self;
    if (leads_elsewhere_) [[unlikely]] {
        set_current(self.creating_fiber);
        switch_context_for_good(cells_, self.saved, *self.creator, self.creator->stack_pointer);
    }
    const bool turn_ends = ready_.front().stack_pointer == nullptr;
    const bool at_hand = next_is_at_hand(turn_ends);
    const ready_queue::slot next = at_hand ? take_next(turn_ends) : next_fiber();
    if (at_hand && turn_ends) ready_.push_back_unchecked(marker_) = nullptr;
    current_ = static_cast<fiber*>(next.node);
    if (current_ == nullptr) [[unlikely]]
        switch_context_for_good(cells_, self.saved, own_, own_.stack_pointer);
    switch_context_for_good(cells_, self.saved, current_->saved, next.stack_pointer);
}

inline void scheduler::reap() noexcept {
    give_back(*std::exchange(finished_, nullptr));
}

void scheduler::give_back(fiber& f) noexcept {
    const stack memory = f.memory;
    release_context(f.saved);
    f.~fiber();
    stacks_.release(memory);
}

// ---------------------------------------------------------------------------------- fibers

void scheduler::fiber_main(void* argument) noexcept {
    fiber& self = *static_cast<fiber*>(argument);
    scheduler& loop = self.owner;
    take_own(loop.cells_, self.saved.own);
    self.body(*self.task);
    loop.finish(self);
}

fiber& scheduler::create_fiber(task_core& task, fiber::main body, std::size_t stack_size) {
    if (finished_ != nullptr) reap();
    const stack memory = stacks_.allocate(stack_size);
    constexpr std::uintptr_t line = 64;
    const auto record =
        (reinterpret_cast<std::uintptr_t>(memory.top) - sizeof(fiber)) & ~(line - 1);
    auto* f = ::new (reinterpret_cast<void*>(record)) fiber(*this, task, body, memory);
    prepare_context(f->saved, memory.limit, f, &fiber_main, f);
    if (cells_.own != nullptr) [[unlikely]]
        inherit(*f);
    return *f;
}

void scheduler::inherit(fiber& child) {
    if (current_ == nullptr || current_->libc == nullptr) return;
    try {
        current_->libc->inherit_to(child);
    } catch (...) {
        give_back(child);
        throw;
    }
}

void scheduler::start_eagerly(fiber& f) noexcept {
    f.creating_fiber = current_;
    f.creator = current_ != nullptr ? &current_->saved : &own_;
    f.leaves = fiber::way::to_creator;
    f.state = fiber::status::runnable;
    set_current(&f);
    own_.own = nullptr;
    switch_context(cells_, *f.creator, f.saved);
}

void scheduler::hand_over(fiber& next) noexcept {
    set_current(&next);
    take_own(cells_, next.saved.own);
}

void scheduler::append(ready_node& node) noexcept {
    ready_.push_back(node);
    if (closed_) drop_ready();
}

void scheduler::append_posted(ready_node& node) noexcept {
    mailbox_->collect(ready_);
    append(node);
}

void scheduler::append(callback_list& list) noexcept {
    while (ready_node* const node = list.pop_front()) {
        if (node->what == ready_node::kind::fiber)
            start(*static_cast<fiber*>(node));
        else
            ready_.push_back(*node);
    }
    if (closed_) drop_ready();
}

}  // namespace detail
}  // namespace brio::inline v0
