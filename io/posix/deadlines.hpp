#pragma once
// The ends that a call gives its wait, as points on the loop's clock.

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/descriptors.hpp"

#include <chrono>
#include <ctime>
#include <optional>
#include <sys/socket.h>
#include <sys/time.h>

namespace brio::inline v0::detail::posix {

inline bool is_valid(const timespec& t) noexcept {
    return t.tv_sec >= 0 && t.tv_nsec >= 0 && t.tv_nsec < 1'000'000'000;
}

inline timespec to_timespec(duration d) noexcept {
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(d);
    return {whole.count(), (d - whole).count()};
}

/// Saturating, as the kernel's.
inline duration length_of(const timespec& t) noexcept {
    constexpr time_t most = duration::max() / std::chrono::seconds(1);
    if (t.tv_sec >= most) return duration::max();
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

inline time_point from_now(const fiber& self, duration length) noexcept {
    return after(self.owner.now(), length);
}

/// Between two attempts where nothing tells when the next one makes sense. 0, -ECANCELED or -EINTR.
inline long nap(fiber& self) noexcept {
    constexpr auto nap_length = std::chrono::milliseconds(2);
    const long ended = sleep_until(self, from_now(self, nap_length), restarts::if_the_handler_says);
    return ended == -ETIME ? 0 : ended;
}

/// Where SO_RCVTIMEO or SO_SNDTIMEO (`option`) ends a call that begins to wait now.
inline std::optional<time_point> limit_of(const fiber& self, int fd, const descriptor_facts& facts,
                                          int option) noexcept {
    if (!(option == SO_RCVTIMEO ? facts.receive_limit : facts.send_limit)) return {};
    timeval limit = {};
    socklen_t size = sizeof limit;
    if (system_call(SYS_getsockopt, fd, SOL_SOCKET, option, &limit, &size) < 0) return {};
    return from_now(self, length_of({limit.tv_sec, limit.tv_usec * 1000}));
}

}  // namespace brio::inline v0::detail::posix
