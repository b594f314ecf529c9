// asyncio's Queue, where it has to wait or to refuse.

#include "sync/waiter.hpp"

#include <brio/detail/queue_core.hpp>
#include <brio/error.hpp>

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace brio::inline v0::detail {

namespace {

[[noreturn]] void throw_shut_down(const char* call) {
    throw queue_shut_down(std::string(call) + ": the queue is shut down");
}

}  // namespace

queue_core::queue_core(std::size_t maxsize) noexcept
    : maxsize_(maxsize),
      put_limit_(maxsize > 0 ? maxsize : std::numeric_limits<std::size_t>::max()) {}

/// One function for both sides: a switch between a putter and a getter then returns to where the
/// processor expects it to, up to their own code.
void queue_core::wait_in_line(side where, const char* call) {
    const bool putting = where == side::put;
    if (is_shut_down()) throw_shut_down(call);
    waiter_list& line = putting ? putters_ : getters_;
    waiter turn(line, line.bind(call));
    try {
        turn.wait();
    } catch (const cancelled_error&) {
        if (turn.woken() && !(putting ? full() : empty())) line.wake_next();
        throw;
    }
}

void queue_core::refuse_put() const {
    if (is_shut_down()) throw_shut_down("queue::put_nowait");
    throw queue_full("queue::put_nowait: the queue is full");
}

void queue_core::refuse_get() const {
    if (is_shut_down()) throw_shut_down("queue::get_nowait");
    throw queue_empty("queue::get_nowait: the queue is empty");
}

void queue_core::task_done() {
    if (unfinished_ == 0)
        throw std::invalid_argument("queue::task_done: every item has been dealt with already");
    if (unfinished_ == 1) joiners_.require_right_thread("queue::task_done");
    --unfinished_;
    wake_joiners_when_finished();
}

void queue_core::wait_for_the_last() {
    waiter(joiners_, joiners_.bind("queue::join")).wait();
}

void queue_core::wake_joiners_when_finished() noexcept {
    if (unfinished_ == 0) joiners_.wake_all();
}

void queue_core::require_right_thread() {
    for (waiter_list* const line : {&joiners_, &getters_, &putters_})
        line->require_right_thread("queue::shutdown");
}

void queue_core::shut_down(bool dropped) noexcept {
    put_limit_ = 0;
    if (dropped) {
        unfinished_ -= std::min(unfinished_, size_);
        size_ = 0;
        wake_joiners_when_finished();
    }
    getters_.wake_all();
    putters_.wake_all();
}

}  // namespace brio::inline v0::detail
