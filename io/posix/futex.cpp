#include "posix/futex.hpp"

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/deadlines.hpp"
#include "posix/real.hpp"
#include "posix/threads.hpp"
#include "thread/blocking_call.hpp"

#include <atomic>
#include <climits>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/single_threaded.h>

namespace brio::inline v0::detail::posix {

namespace {

constinit std::atomic<bool> hash_made{false};

/// Linux 6.16 and later give a process a private hash of futexes when it makes its first thread, and a
/// wait of the ring from before would stay behind, never woken. So there is a thread before.
void make_private_hash() noexcept {
    if (hash_made.load(std::memory_order_relaxed)) return;
    pthread_t thread = {};
    if (::pthread_create(
            &thread, nullptr, [](void* nothing) { return nothing; }, nullptr) != 0)
        return;
    real.pthread_join(thread, nullptr);
    hash_made.store(true);
}

long wait_in_ring(fiber& self, const futex_word& word, std::optional<time_point> until) noexcept {
    if (word.is_private) make_private_hash();
    operation op;
    op.what = operation::code::futex;
    op.address = word.address;
    op.length = word.value;
    op.flags = word.is_private ? 1 : 0;
    op.offset = word.bits;
    const long result = wait_for(self, op, until);
    return result == -ETIME ? -ETIMEDOUT : result;
}

long wait_in_thread(fiber& self, const futex_word& word, std::optional<time_point> until) noexcept {
    struct waiting {
        futex_word word;
        std::optional<timespec> limit;
        long result;
        void operator()() noexcept {
            // The limit is a length of time: the loop's clock may be a virtual one.
            timespec end = {};
            ::clock_gettime(CLOCK_MONOTONIC, &end);
            if (limit) {
                end.tv_sec += limit->tv_sec;
                end.tv_nsec += limit->tv_nsec;
                if (end.tv_nsec >= 1'000'000'000) ++end.tv_sec, end.tv_nsec -= 1'000'000'000;
            }
            const int call = FUTEX_WAIT_BITSET | (word.is_private ? FUTEX_PRIVATE_FLAG : 0);
            do
                result = system_call(SYS_futex, word.address, call, word.value,
                                     limit ? &end : nullptr, nullptr, word.bits);
            while (result == -EINTR);
        }
    };
    std::optional<timespec> limit;
    if (until) limit = to_timespec(std::max(*until - self.owner.now(), duration::zero()));
    waiting wait = {word, limit, 0};
    try {
        return run_in(waiting_pool(), "futex", wait).result;
    } catch (const std::exception&) {  // no memory, no thread: late is better than not at all
        wait();
        return wait.result;
    }
}

bool ring_waits(fiber& self) noexcept try {
    return self.owner.io().waits_on_futexes();
} catch (const std::exception&) {
    return false;
}

}  // namespace

long futex_wait(fiber& self, const futex_word& word, std::optional<time_point> until) noexcept {
    const int before = errno;
    const not_cut_short whole(self);
    const long result =
        ring_waits(self) ? wait_in_ring(self, word, until) : wait_in_thread(self, word, until);
    errno = before;
    return result;
}

void futex_wake_all(void* address, bool is_private) noexcept {
    system_call(SYS_futex, address, FUTEX_WAKE | (is_private ? FUTEX_PRIVATE_FLAG : 0), INT_MAX,
                nullptr, nullptr, 0);
}

void futexes_after_fork() noexcept {
    hash_made.store(false);
}

}  // namespace brio::inline v0::detail::posix
