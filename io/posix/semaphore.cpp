// sem_wait, sem_timedwait, sem_clockwait: libc's own word is waited for, so that sem_post stays libc's,
// which a signal handler may call. Its layout on 64-bit machines: the value in the lower half, how many
// wait in the upper one.
//
// Not cut short by a cancel: callers ignore the result.

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/futex.hpp"
#include "posix/interpose.hpp"
#include "posix/interruption.hpp"
#include "posix/real.hpp"
#include "posix/threads.hpp"

#include <atomic>
#include <bit>
#include <semaphore.h>

namespace brio::inline v0::detail::posix {

namespace {

static_assert(sizeof(long) == 8 && std::endian::native == std::endian::little);

struct semaphore_layout {
    std::uint64_t value_and_waiters;
    int shared;  // 0: private to the process
};

class announced_waiter {
public:
    explicit announced_waiter(semaphore_layout& s) noexcept : both_(s.value_and_waiters) {
        both_.fetch_add(one);
    }
    announced_waiter(const announced_waiter&) = delete;
    announced_waiter& operator=(const announced_waiter&) = delete;
    ~announced_waiter() { both_.fetch_sub(one); }

private:
    static constexpr std::uint64_t one = std::uint64_t{1} << 32;
    std::atomic_ref<std::uint64_t> both_;
};

/// As sem_trywait, but -EAGAIN or 0, and errno is left alone.
long take(sem_t* s) noexcept {
    const int before = errno;
    if (real.sem_trywait(s) == 0) return 0;
    const int error = errno;
    errno = before;
    return -error;
}

long wait_for(fiber& self, sem_t* s, std::optional<time_point> until) noexcept {
    auto& layout = *reinterpret_cast<semaphore_layout*>(s);
    const announced_waiter announced(layout);
    const interruptible here(self, until ? restarts::never : restarts::if_the_handler_says);
    begin_wait(self);
    while (!here.jumped_out()) {
        if (const long taken = take(s); taken != -EAGAIN) return taken;
        const long waited = futex_wait_until_interrupted(
            self, {&layout.value_and_waiters, 0, layout.shared == 0}, until);
        if (waited == -ETIMEDOUT || waited == -EINTR) return waited;
    }
    // A wake that has come is passed on.
    futex_wake_all(&layout.value_and_waiters, layout.shared == 0);
    return -EINTR;
}

/// `plain`: the call on a plain thread.
template <class Plain>
int wait_until(sem_t* s, clockid_t clock, const timespec* end, Plain plain) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return plain();
    if (const long taken = take(s); taken != -EAGAIN) return static_cast<int>(answer(taken));
    std::optional<time_point> until;
    if (end != nullptr) {
        until = is_valid_nanoseconds(*end) ? point_on(*self, clock, *end) : std::nullopt;
        if (!until) return static_cast<int>(answer(-EINVAL));
    }
    return static_cast<int>(answer(wait_for(*self, s, until)));
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio::detail::posix;

extern "C" {

int brio_posix_sem_wait(sem_t* s) {
    return wait_until(s, CLOCK_REALTIME, nullptr, [=] { return real.sem_wait(s); });
}
int brio_posix_sem_timedwait(sem_t* s, const timespec* end) {
    return wait_until(s, CLOCK_REALTIME, end, [=] { return real.sem_timedwait(s, end); });
}
int brio_posix_sem_clockwait(sem_t* s, clockid_t clock, const timespec* end) {
    return wait_until(s, clock, end, [=] { return real.sem_clockwait(s, clock, end); });
}

}  // extern "C"

BRIO_INTERPOSE(sem_wait);
BRIO_INTERPOSE(sem_timedwait);
BRIO_INTERPOSE(sem_clockwait);
