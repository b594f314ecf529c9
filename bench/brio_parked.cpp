// Memory of Brio's parked fibers, all of them guarded, beside boost_fiber_parked.cpp.

#include "fresh_process.hpp"
#include "parked.hpp"

#include <brio/future.hpp>
#include <brio/run.hpp>
#include <brio/task.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <sys/uio.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::size_t guard_sample = 100;  // of so many fibers one has its guard looked for

bool readable(char* address) {
    char byte = 0;
    const iovec here{&byte, 1};
    const iovec there{address, 1};
    if (process_vm_readv(getpid(), &here, 1, &there, 1, 0) == 1) return true;
    if (errno == EFAULT) return false;
    throw std::system_error(errno, std::generic_category(), "process_vm_readv");
}

/// Whether the stack that `top` is on ends in a guard, before the next stack begins.
bool guarded(char* top) {
    constexpr std::size_t page = 4096;
    for (std::size_t depth = 0; depth <= brio::stack_options{}.size; depth += page) {
        if (!readable(top - depth)) return true;
    }
    return false;
}

void require_guards(const std::vector<char*>& stacks) {
    const auto bare =
        std::count_if(stacks.begin(), stacks.end(), [](char* s) { return !guarded(s); });
    if (bare == 0) return;
    throw std::runtime_error(std::to_string(bare) + " of " + std::to_string(stacks.size()) +
                             " stacks looked at have no guard");
}

bench::measurement parked(std::size_t count) {
    return brio::run([count] {
        auto gate = brio::create_future<void>();
        std::size_t waiting = 0;
        std::vector<char*> sample;
        std::vector<brio::task<void>> started;

        bench::parked_fibers measured(count);
        started.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            started.push_back(brio::create_task([&waiting, &sample, &gate] {
                char on_stack = 0;
                if (waiting++ % guard_sample == 0) sample.push_back(&on_stack);
                gate.await();
            }));
        }
        while (waiting != count) brio::yield();
        measured.all_parked();
        require_guards(sample);

        measured.waking();
        gate.set_result();
        for (auto& one : started) one.await();
        return measured.all_joined();
    });
}

const bench::fresh_process_benchmark ten_thousand("brio/parked/10000",
                                                  [] { return parked(10'000); });
const bench::fresh_process_benchmark hundred_thousand("brio/parked/100000",
                                                      [] { return parked(100'000); });
const bench::fresh_process_benchmark million("brio/parked/1000000",
                                             [] { return parked(1'000'000); });

}  // namespace
