#include "posix/futex.hpp"

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/deadlines.hpp"
#include "posix/interruptible_call.hpp"
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

/// The wait, for a thread.
class thread_wait {
public:
    thread_wait(const fiber& self, const futex_word& word, std::optional<time_point> until) noexcept
        : word_(word) {
        // The limit is a length of time: the loop's clock may be a virtual one.
        if (until) left_ = to_timespec(std::max(*until - self.owner.now(), duration::zero()));
    }
    /// As the kernel answers, -EINTR included.
    long operator()() noexcept {
        if (left_ && !has_end_) set_end();
        const int call = FUTEX_WAIT_BITSET | (word_.is_private ? FUTEX_PRIVATE_FLAG : 0);
        return system_call(SYS_futex, word_.address, call, word_.value, left_ ? &end_ : nullptr,
                           nullptr, word_.bits);
    }

private:
    void set_end() noexcept {
        ::clock_gettime(CLOCK_MONOTONIC, &end_);
        end_.tv_sec += left_->tv_sec;
        end_.tv_nsec += left_->tv_nsec;
        if (end_.tv_nsec >= 1'000'000'000) ++end_.tv_sec, end_.tv_nsec -= 1'000'000'000;
        has_end_ = true;
    }

    futex_word word_;
    std::optional<timespec> left_;
    timespec end_ = {};
    bool has_end_ = false;
};

long wait_in_thread(thread_wait wait) noexcept {
    struct whole {
        thread_wait wait;
        long result;
        void operator()() noexcept {
            do result = wait();
            while (result == -EINTR);
        }
    };
    whole all = {wait, 0};
    try {
        return run_in(waiting_pool(), "futex", all).result;
    } catch (const std::exception&) {  // no memory, no thread: late is better than not at all
        all();
        return all.result;
    }
}

long wait_in_thread_until_interrupted(fiber& self, thread_wait wait,
                                      std::optional<time_point> until) noexcept {
    try {
        return call_until_interrupted(self, "futex", wait,
                                      until ? restarts::never : restarts::if_the_handler_says);
    } catch (const std::exception&) {
        return wait();
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
    const long result = ring_waits(self) ? wait_in_ring(self, word, until)
                                         : wait_in_thread(thread_wait(self, word, until));
    errno = before;
    return result;
}

long futex_wait_until_interrupted(fiber& self, const futex_word& word,
                                  std::optional<time_point> until) noexcept {
    const int before = errno;
    const not_cut_short whole(self);
    const long result = ring_waits(self) ? wait_in_ring(self, word, until)
                                         : wait_in_thread_until_interrupted(
                                               self, thread_wait(self, word, until), until);
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
