#pragma once
// Calls on disk files that no reactor can make, and that keep their thread for as long as the disk
// needs: a helper thread makes them.

#include "posix/caller.hpp"
#include "thread/blocking_call.hpp"
#include "thread/worker_pool.hpp"

#include <cerrno>
#include <exception>
#include <utility>

namespace brio::inline v0::detail::posix {

/// What call() returns, a count or -errno. Never cut short, so `call` may use what lives on the
/// fiber's stack. Without memory or a thread it is made here: late is better than not at all.
template <class Call>
long on_file_thread(fiber& self, const char* what, Call call) noexcept {
    struct work {
        Call call;
        long result = 0;
        void operator()() noexcept { result = call(); }
    };
    const not_cut_short whole(self);
    const int before = errno;
    long result = 0;
    try {
        result = run_in(file_pool(), what, work{call}).result;
    } catch (const std::exception&) {
        result = call();
    }
    errno = before;
    return result;
}

}  // namespace brio::inline v0::detail::posix
