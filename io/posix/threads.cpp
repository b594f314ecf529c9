#include "posix/threads.hpp"

#include "base/system_call.hpp"
#include "posix/deadlines.hpp"

namespace brio::inline v0::detail::posix {

namespace {
constinit thread_local int thread_id = 0;
}

worker_pool& waiting_pool() {
    static auto& pool = *new worker_pool("brio-wait", 1000);
    return pool;
}

int this_thread_id() noexcept {
    if (thread_id == 0) thread_id = static_cast<int>(system_call(SYS_gettid));
    return thread_id;
}

void threads_after_fork() noexcept {
    thread_id = 0;
}

std::optional<time_point> point_on(const fiber& self, clockid_t clock,
                                   const timespec& when) noexcept {
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) return {};
    if (when.tv_sec < 0) return self.owner.now();
    timespec now = {};
    ::clock_gettime(clock, &now);
    return from_now(self, std::max(length_of(when) - length_of(now), duration::zero()));
}

}  // namespace brio::inline v0::detail::posix
