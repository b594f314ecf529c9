#pragma once
// File calls that io_uring has no operation for, or only where the kernel is newer than those that are
// supported: made on a file thread, under every reactor.

#include "scheduler/park.hpp"
#include "thread/blocking_call.hpp"
#include "thread/worker_pool.hpp"

#include <brio/timeout.hpp>

#include <utility>

namespace brio::inline v0::detail {

/// What call() returns: a count, or -errno. **Cancellation**: before, nothing happens; once begun it
/// cannot be stopped, and returns its result: the cancel stays pending. So `call` may use what lives on
/// the fiber's stack.
template <class Call>
int in_file_thread(const char* what, Call call) {
    struct work {
        Call call;
        int result = 0;
        void operator()() noexcept { result = call(); }
    };
    deliver_cancel(require_fiber(what));
    const defer_cancel until_it_is_done;
    return run_in(file_pool(), what, work{std::move(call)}).result;
}

}  // namespace brio::inline v0::detail
