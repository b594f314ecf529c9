#include "bridge/loop_algorithm.hpp"
#include "scheduler/park.hpp"

#include <brio/bridge/boost_fiber.hpp>
#include <brio/error.hpp>

#include <boost/fiber/type.hpp>

namespace brio::inline v0 {

namespace boost_fiber {

scope::scope() {
    detail::fiber& self = detail::require_fiber("boost_fiber::scope");
    auto& algorithm = detail::loop_algorithm::of_this_thread();
    if (algorithm.hosted())
        throw usage_error("boost_fiber::scope: there is one on this thread already");
    if (!boost::fibers::context::active()->is_context(boost::fibers::type::main_context))
        throw usage_error(
            "boost_fiber::scope: its loop runs in a Boost fiber: call brio::run outside of those");
    // Out of an eager first step: who waits for its end knows nothing of Boost's stacks.
    if (self.leaves != detail::fiber::way::onward) self.owner.yield();
    algorithm.enter(self);
}

scope::~scope() {
    detail::loop_algorithm::of_this_thread().leave();
}

}  // namespace boost_fiber

void detail::require_boost_fiber_scope(const char* call) {
    if (this_scheduler() == nullptr || !loop_algorithm::of_this_thread().hosted())
        throw usage_error(std::string(call) + " needs a boost_fiber::scope on this thread");
}

}  // namespace brio::inline v0
