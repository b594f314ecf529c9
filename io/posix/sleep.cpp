// sleep, usleep, nanosleep, clock_nanosleep: timers of the loop.
//
// 1. A sleep until a point of CLOCK_REALTIME does not notice that somebody sets that clock.
// 2. A length of 0 is a turn of the loop: code that waits by calling usleep(0) lets others run.
// 3. CPU-time clocks are libc's: they stand still while the thread sleeps.

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/deadlines.hpp"
#include "posix/interpose.hpp"
#include "posix/real.hpp"

namespace brio::inline v0::detail::posix {

namespace {

struct slept {
    int error;  // 0, ECANCELED or EINTR
    duration left;
};

slept sleep_for(fiber& self, duration length) noexcept {
    if (refused(self)) return {ECANCELED, std::max(length, duration::zero())};
    if (length <= duration::zero()) {
        pass_turn(self);
        return {0, duration::zero()};
    }
    const time_point until = from_now(self, length);
    const long ended = sleep_until(self, until);
    if (ended == -ETIME) return {0, duration::zero()};
    return {static_cast<int>(-ended), std::max(until - self.owner.now(), duration::zero())};
}

duration left_until(clockid_t clock, const timespec& when) noexcept {
    timespec now = {};
    ::clock_gettime(clock, &now);
    return length_of(when) - length_of(now);
}

bool sleeps_on(clockid_t clock) noexcept {
    switch (clock) {
        case CLOCK_REALTIME:
        case CLOCK_MONOTONIC:
        case CLOCK_BOOTTIME:
        case CLOCK_TAI:
            return true;
        default:
            return false;
    }
}

/// 0 or an error number, as clock_nanosleep(3) answers.
int sleep_on_clock(fiber& self, clockid_t clock, int flags, const timespec& time,
                   timespec* left) noexcept {
    if (!is_valid(time)) return EINVAL;
    const bool absolute = (flags & TIMER_ABSTIME) != 0;
    const slept s = sleep_for(self, absolute ? left_until(clock, time) : length_of(time));
    if (s.error != 0 && !absolute && left != nullptr) *left = to_timespec(s.left);
    return s.error;
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

unsigned brio_posix_sleep(unsigned seconds) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.sleep(seconds);
    const duration left = sleep_for(*self, std::chrono::seconds(seconds)).left;
    land_jump();
    return static_cast<unsigned>(std::chrono::ceil<std::chrono::seconds>(left).count());
}

int brio_posix_usleep(useconds_t length) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.usleep(length);
    return static_cast<int>(answer(-sleep_for(*self, std::chrono::microseconds(length)).error));
}

int brio_posix_nanosleep(const timespec* time, timespec* left) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr) return real.nanosleep(time, left);
    return static_cast<int>(answer(-sleep_on_clock(*self, CLOCK_MONOTONIC, 0, *time, left)));
}

int brio_posix_clock_nanosleep(clockid_t clock, int flags, const timespec* time, timespec* left) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || !sleeps_on(clock)) return real.clock_nanosleep(clock, flags, time, left);
    const int error = sleep_on_clock(*self, clock, flags, *time, left);
    land_jump();
    return error;
}

}  // extern "C"

BRIO_INTERPOSE(sleep);
BRIO_INTERPOSE(usleep);
BRIO_INTERPOSE(nanosleep);
BRIO_INTERPOSE(clock_nanosleep);
