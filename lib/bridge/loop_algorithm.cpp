#include "bridge/loop_algorithm.hpp"

#include "base/invariant.hpp"

#include <brio/timeout.hpp>

#include <boost/fiber/algo/round_robin.hpp>
#include <boost/fiber/type.hpp>
#include <boost/intrusive_ptr.hpp>
#include <boost/version.hpp>
#include <mutex>

namespace brio::inline v0::detail {

namespace {

constexpr bool boost_exchanges_exceptions = BOOST_VERSION >= 108800;

bool is_dispatcher(const boost::fibers::context& c) noexcept {
    return c.is_context(boost::fibers::type::dispatcher_context);
}
/// Its function has returned: Boost has just struck it off its list.
bool has_ended(const boost::fibers::context& c) noexcept {
    return c.is_context(boost::fibers::type::worker_context) && !c.worker_is_linked();
}

struct wait_for_last_guest final : private_wait {
    using private_wait::private_wait;
    [[nodiscard]] std::string describe() const override { return "the last Boost fiber"; }
};

constexpr const char* not_in_a_boost_fiber =
    "a call of Boost.Fiber that suspends was made by a task: there use brio::boost_fiber::async or "
    "await";

}  // namespace

loop_algorithm& loop_algorithm::of_this_thread() {
    static thread_local const ptr_t algorithm(new loop_algorithm);
    return static_cast<loop_algorithm&>(*algorithm);
}

void loop_algorithm::enter(fiber& main) {
    auto& loop = static_cast<loop_core&>(main.owner);
    dispatcher_.emplace(loop, *main.task, nullptr, stack{});
    dispatcher_->passthrough = true;
    cells_ = thread_cells::of_this_thread();
    main_ = &main;
    main_context_ = context::active();
    make_guest(main);
    loop.set_guest_host(this);
    loop_ = &loop;
    {
        const std::scoped_lock held(lock_);
        box_ = &loop.box();
    }
    main_context_->get_scheduler()->set_algo(this);
}

void loop_algorithm::leave() noexcept {
    invariant(loop_->current() == main_, "a boost_fiber::scope dies in another task than made it");
    const defer_cancel to_the_end;
    while (guests_ > 0) wait_for_guests();
    {
        const std::scoped_lock held(lock_);
        box_ = nullptr;
    }
    while (noted_) loop_->yield();
    loop_->set_guest_host(nullptr);
    loop_ = nullptr;
    make_ordinary(*main_);
    main_context_->get_scheduler()->set_algo(new boost::fibers::algo::round_robin);
}

void loop_algorithm::wait_for_guests() noexcept {
    wait_for_last_guest wait(*main_);
    last_guest_ = &wait;
    wait.wait();
    last_guest_ = nullptr;
}

// ------------------------------------------------------------------------------- what Boost asks

void loop_algorithm::awakened(context* woken) noexcept {
    if (hosted()) {
        const fiber& record = record_of(*woken);
        fiber& active = record_of(*context::active());
        if (&record == loop_->current()) hand_over(active);  // launch::dispatch
        invariant(!is_dispatcher(*woken) || loop_->current() == &active, not_in_a_boost_fiber);
    }
    make_ready(*woken);
}

boost::fibers::context* loop_algorithm::pick_next() noexcept {
    context& leaving = *context::active();
    if (hosted()) invariant(loop_->current() == &record_of(leaving), not_in_a_boost_fiber);
    if (ready_.empty() || (round_over_ && is_dispatcher(leaving))) return nullptr;
    context& next = ready_.front();
    ready_.pop_front();
    if (hosted()) change(leaving, next);
    return &next;
}

void loop_algorithm::suspend_until(const std::chrono::steady_clock::time_point& when) noexcept {
    round_over_ = false;
    if (has_ready_fibers()) return loop_->yield();
    idle_ = true;
    if (when != std::chrono::steady_clock::time_point::max())
        loop_->arm(alarm_, time_point(when.time_since_epoch()));
    park(*dispatcher_, *this);
    loop_->disarm(alarm_);
}

void loop_algorithm::notify() noexcept {
    const std::scoped_lock held(lock_);
    if (box_ != nullptr && !noted_) noted_ = box_->post(note_);
}

// ------------------------------------------------------------------------------ what the loop asks

void loop_algorithm::suspend() noexcept {
    context::active()->suspend();
}

void loop_algorithm::resume(fiber& guest) noexcept {
    make_ready(&guest == main_ ? *main_context_ : static_cast<detail::guest&>(guest).context());
}

void loop_algorithm::on_alarm(ready_node& node, ready_node::fate what) {
    if (what == ready_node::fate::run) static_cast<caller&>(node).algorithm.wake_dispatcher();
}

void loop_algorithm::on_note(ready_node& node, ready_node::fate what) {
    loop_algorithm& self = static_cast<caller&>(node).algorithm;
    {
        const std::scoped_lock held(self.lock_);
        self.noted_ = false;
    }
    if (what == ready_node::fate::run) self.wake_dispatcher();
}

// --------------------------------------------------------------------------------------- switching

fiber& loop_algorithm::record_of(context& c) {
    if (&c == main_context_) return *main_;
    if (is_dispatcher(c)) return *dispatcher_;
    if (auto* const known = static_cast<guest*>(c.get_properties())) return *known;
    auto* const made = new guest(c, *loop_);
    c.set_properties(made);
    ++guests_;
    return *made;
}

void loop_algorithm::make_ready(context& c) noexcept {
    if (hosted()) record_of(c).state = fiber::status::runnable;
    c.ready_link(ready_);
    wake_dispatcher();
}

void loop_algorithm::wake_dispatcher() noexcept {
    if (std::exchange(idle_, false)) loop_->wake(*dispatcher_);
}

/// From the active context, which suspends or has ended.
void loop_algorithm::change(context& leaving, context& next) noexcept {
    if (has_ended(leaving)) {
        static_cast<guest&>(record_of(leaving)).end();
        if (--guests_ == 0 && last_guest_ != nullptr) last_guest_->finish();
    } else if (!leaving.ready_is_linked()) {
        record_of(leaving).state = fiber::status::parked;
    }
    round_over_ = is_dispatcher(next);
    hand_over(record_of(next));
}

void loop_algorithm::hand_over(fiber& next) noexcept {
    if constexpr (!boost_exchanges_exceptions) {
        kept_of(*loop_->current()) = {*cells_.exceptions, *cells_.error_number};
        const kept_cells& arriving = kept_of(next);
        *cells_.exceptions = arriving.exceptions;
        *cells_.error_number = arriving.error_number;
    }
    next.state = fiber::status::runnable;
    loop_->hand_over(next);
}

kept_cells& loop_algorithm::kept_of(fiber& record) noexcept {
    if (&record == main_) return main_cells_;
    return &record == &*dispatcher_ ? dispatcher_cells_ : static_cast<guest&>(record).cells;
}

}  // namespace brio::inline v0::detail
