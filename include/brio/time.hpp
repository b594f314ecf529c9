#pragma once
// Time: integer nanoseconds on one clock. `delay` is relative, `deadline` absolute; both may be
// "none". asyncio takes seconds as a float; here the type carries the unit.

#include <brio/version.hpp>

#include <chrono>
#include <concepts>
#include <limits>
#include <optional>

namespace brio::inline v0 {

using duration = std::chrono::nanoseconds;

/// The running loop's clock: CLOCK_MONOTONIC, or the virtual clock under test. On a thread
/// without a running loop it reads CLOCK_MONOTONIC. Any thread.
struct clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<clock>;
    static constexpr bool is_steady = true;
    [[nodiscard]] static time_point now() noexcept;
};
using time_point = clock::time_point;

namespace detail {
[[noreturn]] void throw_not_a_duration();

/// Rounded up, so that a sleep is never short; what does not fit saturates.
template <class Rep, class Period>
constexpr duration to_duration(std::chrono::duration<Rep, Period> d) {
    if constexpr (std::floating_point<Rep>) {
        if (d.count() != d.count()) throw_not_a_duration();
    }
    using wide = std::chrono::duration<long double, std::nano>;
    constexpr auto most = std::numeric_limits<duration::rep>::max();
    if constexpr (std::integral<Rep> && std::ratio_less_equal_v<Period, std::ratio<1>>) {
        constexpr auto limit = std::chrono::duration_cast<std::chrono::duration<Rep, Period>>(
            std::chrono::seconds(9'000'000'000));
        if (d < limit && d > -limit) return std::chrono::ceil<duration>(d);
    }
    const wide w = d;
    if (w >= wide(static_cast<long double>(most))) return duration::max();
    if (w <= -wide(static_cast<long double>(most))) return duration(-most);
    return std::chrono::ceil<duration>(w);
}
template <class T>
concept number = std::integral<T> || std::floating_point<T>;
template <class C>
concept other_clock = !std::same_as<C, clock>;
}  // namespace detail

/// A relative limit: any chrono duration (0.5s too; rounded up, saturating), or std::nullopt for
/// none. NaN throws std::invalid_argument. Bare numbers do not convert: write the unit.
class delay {
public:
    template <class Rep, class Period>
    constexpr delay(std::chrono::duration<Rep, Period> d) : value_(detail::to_duration(d)) {}
    constexpr delay(std::nullopt_t) noexcept {}
    template <detail::number Number>
    delay(Number) = delete;  // write the unit: 5s, 20ms, 0.5s (std::chrono_literals)
    [[nodiscard]] constexpr std::optional<duration> get() const noexcept { return value_; }

private:
    std::optional<duration> value_;
};

/// A point on brio::clock, or std::nullopt for none. Other clocks do not convert: they would not
/// follow the virtual clock of tests.
class deadline {
public:
    constexpr deadline(time_point t) noexcept : value_(t) {}
    constexpr deadline(std::nullopt_t) noexcept {}
    template <detail::other_clock Other, class D>
    deadline(std::chrono::time_point<Other, D>) = delete;  // use brio::clock::now()
    [[nodiscard]] constexpr std::optional<time_point> get() const noexcept { return value_; }

private:
    std::optional<time_point> value_;
};

}  // namespace brio
