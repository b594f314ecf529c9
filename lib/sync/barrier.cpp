// asyncio's Barrier: a condition on its state.

#include "scheduler/park.hpp"

#include <brio/error.hpp>
#include <brio/sync.hpp>

#include <mutex>
#include <stdexcept>

namespace brio::inline v0 {

barrier::barrier(std::size_t parties) : parties_(parties) {
    if (parties == 0) throw std::invalid_argument("barrier: the parties are 0");
}

/// A task that counts as one of the round.
class barrier::inside {
public:
    explicit inside(barrier& b) noexcept : barrier_(b) { ++barrier_.count_; }
    inside(const inside&) = delete;
    inside& operator=(const inside&) = delete;
    ~inside() { barrier_.leave(); }

private:
    barrier& barrier_;
};

std::size_t barrier::wait() {
    detail::require_fiber("barrier::wait");
    const std::scoped_lock held(changed_);
    wait_for_round();
    const std::size_t index = count_;
    const inside round(*this);
    if (count_ == parties_) {
        state_ = state::draining;
        changed_.notify_all();
    } else {
        wait_for_others();
    }
    return index;
}

void barrier::wait_for_round() {
    changed_.wait_for([this] { return state_ != state::draining && state_ != state::resetting; });
    if (broken()) throw broken_barrier_error("barrier::wait: the barrier is aborted");
}

void barrier::wait_for_others() {
    changed_.wait_for([this] { return state_ != state::filling; });
    if (state_ != state::draining)
        throw broken_barrier_error("barrier::wait: the barrier was reset or aborted");
}

void barrier::leave() noexcept {
    if (--count_ > 0) return;
    if (!broken()) state_ = state::filling;
    changed_.notify_all();
}

void barrier::reset() {
    const std::scoped_lock held(changed_);
    state_ = count_ > 0 ? state::resetting : state::filling;
    changed_.notify_all();
}

void barrier::abort() {
    const std::scoped_lock held(changed_);
    state_ = state::broken;
    changed_.notify_all();
}

}  // namespace brio::inline v0
