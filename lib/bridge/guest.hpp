#pragma once
// A Boost fiber as Brio sees it: a record (lib/scheduler/guest.hpp) and a task, so that it may call what
// suspends. Boost owns it, as the properties of the fiber's context.
//
//   made at the context's first turn in the ready queue -> end(), when its function has returned
//   -> destroyed with the context, when the last boost::fibers::fiber has gone: perhaps after the loop

#include "context/context.hpp"
#include "scheduler/guest.hpp"
#include "task/loop_core.hpp"

#include <brio/detail/task_core.hpp>

#include <boost/fiber/context.hpp>
#include <boost/fiber/properties.hpp>

namespace brio::inline v0::detail {

/// What current_task() is there. It has no result: that of the fiber's function is Boost's.
class guest_task final : public with_value<void, task_core> {
public:
    guest_task(loop_core& loop, fiber& f) : with_value(loop) { begin_on(f); }
    /// Wakes who awaits it. May destroy it.
    void complete() noexcept {
        store<nothing>();
        end();
    }

private:
    void call() override {}
    void destroy_callable() noexcept override {}
    void discard_result() noexcept override { discard_value(); }
};

/// What C and C++ keep for each thread, of one of Boost's contexts that is suspended.
struct kept_cells {
    exception_globals exceptions;
    int error_number = 0;
};

class guest final : public boost::fibers::fiber_properties, public fiber {
public:
    guest(boost::fibers::context& c, loop_core& loop)
        : fiber_properties(&c), fiber(loop, *new guest_task(loop, *this), nullptr, {}) {
        make_guest(*this);
    }

    [[nodiscard]] boost::fibers::context& context() const noexcept { return *ctx_; }
    void end() noexcept {
        state = status::finished;
        static_cast<guest_task*>(task)->complete();
        owner.set_cancel_pending(*this, false);
    }

    kept_cells cells;
};

}  // namespace brio::inline v0::detail
