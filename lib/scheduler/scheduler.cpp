#include "scheduler/scheduler.hpp"

#include "base/invariant.hpp"

#include <algorithm>
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

void throw_not_a_duration() {
    throw std::invalid_argument("delay: not a number");
}

namespace {
thread_local scheduler* running_scheduler = nullptr;
thread_local char thread_mark;
}  // namespace

scheduler* this_scheduler() noexcept {
    return running_scheduler;
}
fiber* this_fiber() noexcept {
    return running_scheduler == nullptr ? nullptr : running_scheduler->current();
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
      reactor_kind_(options.reactor) {}

scheduler::~scheduler() {
    close();
    mailbox_->release();
}

// ---------------------------------------------------------------------------- the loop's own half

void scheduler::run() {
    struct running_scope {
        explicit running_scope(scheduler& s) : loop(s) {
            loop.running_ = true;
            running_scheduler = &loop;
        }
        ~running_scope() {
            loop.running_ = loop.stopping_ = false;
            running_scheduler = nullptr;
        }
        scheduler& loop;
    } scope(*this);

    begin_turn();
    for (;;) {
        ready_node& node =
            handed_back_ != nullptr ? *std::exchange(handed_back_, nullptr) : ready_.pop_front();
        if (node.what != ready_node::kind::marker) {
            run_node(node);
        } else if (stopping_) {
            return;
        } else {
            begin_turn();
        }
    }
}

void scheduler::run_node(ready_node& node) {
    if (node.what == ready_node::kind::fiber)
        enter(static_cast<fiber&>(node));
    else
        node.run(node, ready_node::fate::run);
}

void scheduler::enter(fiber& f) noexcept {
    f.state = fiber::status::running;
    current_ = &f;
    switch_context(cells_, own_, f.saved);
    if (finished_ != nullptr) reap();
}

void scheduler::begin_turn() {
    ++turns_;
    mailbox_->collect(ready_);
    if (const unsigned n = mailbox_->take_interrupts(); n > 0 && interrupt_handler_ != nullptr)
        interrupt_handler_(interrupt_argument_, n);
    if (ready_.empty() && !stopping_)
        wait_for_something();
    else if (reactor_ != nullptr && reactor_->in_flight() > 0 && reactor_->has_work())
        reactor_->wait(duration::zero());
    append_due_timers();
    ready_.push_back(marker_);
}

void scheduler::wait_for_something() {
    if (!virtual_clock_) return sleep_until_something();
    const bool io_under_way = reactor_ != nullptr && reactor_->in_flight() > 0;
    if (io_under_way) reactor_->wait(duration::zero());
    if (!ready_.empty()) return;
    if (!timers_.empty())
        virtual_now_ = std::max(virtual_now_, timers_.next());
    else if (io_under_way)
        sleep_until_something();
    else
        throw nothing_can_happen{};
}

void scheduler::sleep_until_something() {
    duration limit = duration::max();
    if (!timers_.empty()) limit = std::max(duration::zero(), timers_.next() - now());
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
    }
    return *reactor_;
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
    reactor_.reset();
    for (ready_node* node = mailbox_->close(); node != nullptr;) {
        ready_node* const after = node->next;
        drop(*node);
        node = after;
    }
    drop_ready();
    while (timer* t = timers_.pop()) drop(*t);
}

void scheduler::drop_ready() noexcept {
    while (!ready_.empty()) drop(ready_.pop_front());
}

time_point scheduler::now() const noexcept {
    if (virtual_clock_) return virtual_now_;
    timespec t;
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return time_point(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
}

// ---------------------------------------------------------------------- the suspending fiber's half

bool scheduler::turn_is_trivial() const noexcept {
    return !ready_.empty() && !stopping_ && mailbox_->empty() &&
           (reactor_ == nullptr || reactor_->in_flight() == 0 || !reactor_->has_work()) &&
           (timers_.empty() || timers_.next() > now());
}

fiber* scheduler::next_fiber() noexcept {
    for (;;) {
        ready_node& node = ready_.pop_front();
        switch (node.what) {
            case ready_node::kind::fiber:
                return static_cast<fiber*>(&node);
            case ready_node::kind::bookkeeping:
                node.run(node, ready_node::fate::run);
                continue;
            case ready_node::kind::marker:
                if (turn_is_trivial()) {
                    ++turns_;
                    ready_.push_back(node);
                    continue;
                }
                [[fallthrough]];
            case ready_node::kind::callback:
                handed_back_ = &node;
                return nullptr;
        }
    }
}

/// Where `self` goes when it stops running; sets who runs then.
machine_context& scheduler::leave(fiber& self) noexcept {
    if (self.creator != nullptr) {
        current_ = std::exchange(self.creating_fiber, nullptr);
        return *std::exchange(self.creator, nullptr);
    }
    current_ = next_fiber();
    if (current_ == nullptr) return own_;
    current_->state = fiber::status::running;
    return current_->saved;
}

void scheduler::suspend() noexcept {
    fiber& self = *current_;
    machine_context& next = leave(self);
    if (&next == &self.saved) return;
    switch_context(cells_, self.saved, next);
    if (finished_ != nullptr) reap();
}

void scheduler::yield() noexcept {
    current_->state = fiber::status::ready;
    ready_.push_back(*current_);
    suspend();
}

void scheduler::finish(fiber& self) noexcept {
    self.state = fiber::status::finished;
    machine_context& next = leave(self);
    finished_ = &self;
    switch_context_for_good(cells_, self.saved, next);
}

void scheduler::reap() noexcept {
    fiber& f = *std::exchange(finished_, nullptr);
    const stack memory = f.memory;
    release_context(f.saved);
    f.~fiber();
    stacks_.release(memory);
}

// ---------------------------------------------------------------------------------- fibers

void scheduler::fiber_main(void* argument) noexcept {
    fiber& self = *static_cast<fiber*>(argument);
    scheduler& loop = self.owner;
    if (loop.finished_ != nullptr) loop.reap();
    self.body(*self.task);
    loop.finish(self);
}

fiber& scheduler::create_fiber(task_core& task, fiber::main body, std::size_t stack_size) {
    const stack memory = stacks_.allocate(stack_size);
    constexpr std::uintptr_t line = 64;
    const auto record =
        (reinterpret_cast<std::uintptr_t>(memory.top) - sizeof(fiber)) & ~(line - 1);
    auto* f = ::new (reinterpret_cast<void*>(record)) fiber(*this, task, body, memory);
    prepare_context(f->saved, memory.limit, f, &fiber_main, f);
    return *f;
}

void scheduler::start(fiber& f) noexcept {
    f.state = fiber::status::ready;
    ready_.push_back(f);
}

void scheduler::start_eagerly(fiber& f) noexcept {
    f.creating_fiber = current_;
    f.creator = current_ != nullptr ? &current_->saved : &own_;
    f.state = fiber::status::running;
    current_ = &f;
    switch_context(cells_, *f.creator, f.saved);
    if (finished_ != nullptr) reap();
}

void scheduler::wake(fiber& f) noexcept {
    invariant(f.state == fiber::status::parked, "a fiber that is not parked was woken");
    f.state = fiber::status::ready;
    ready_.push_back(f);
}

void scheduler::append(ready_node& node) noexcept {
    ready_.push_back(node);
    if (closed_) drop_ready();
}

void scheduler::append(callback_list& list) noexcept {
    for (ready_node* node = list.first(); node != nullptr; node = node->next)
        if (node->what == ready_node::kind::fiber)
            static_cast<fiber*>(node)->state = fiber::status::ready;
    ready_.append(list);
    if (closed_) drop_ready();
}

}  // namespace detail
}  // namespace brio::inline v0
