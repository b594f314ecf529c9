// The reading half, as asyncio/streams.py has StreamReader.

#include "scheduler/park.hpp"
#include "stream/flag_scope.hpp"
#include "stream/stream_core.hpp"

#include <brio/error.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace brio::inline v0::detail {

/// From the channel into `out`; the count, 0 at the end. Suspends.
std::size_t stream_core::receive(const char* call, bytes_out out) {
    if (reading_)
        throw usage_error(std::string(call) + ": another task reads from this stream already");
    require_fiber(call);
    const flag_scope busy(reading_);
    try {
        const std::size_t count = channel_->read(out);
        if (count > 0) return count;
        eof_ = true;
    } catch (const cancelled_error&) {
        throw;
    } catch (...) {
        lose(std::current_exception());  // nothing when it has ended meanwhile: that is why
    }
    rethrow_error();  // also where it was lost meanwhile, and the channel only says that it is over
    return 0;
}

/// Suspends until more is buffered, or the end has come.
void stream_core::fetch(const char* call) {
    input_.received(receive(call, input_.room()));
}

std::string stream_core::read(std::size_t n) {
    rethrow_error();
    if (n > 0 && input_.empty() && !eof_) fetch("read");
    return input_.take(n);
}

std::string stream_core::read_all() {
    rethrow_error();
    while (!eof_) fetch("read");
    return input_.take(input_.size());
}

std::size_t stream_core::read_into(bytes_out out) {
    rethrow_error();
    if (out.size() == 0 || !input_.empty() || eof_) return input_.take_into(out);
    return receive("read_into", out);
}

std::string stream_core::readexactly(std::size_t n) {
    rethrow_error();
    while (input_.size() < n) {
        if (eof_) {
            const std::string what = "readexactly: " + std::to_string(input_.size()) +
                                     " bytes of " + std::to_string(n) + ", then the stream ended";
            throw incomplete_read_error(what, input_.take(input_.size()), n);
        }
        fetch("readexactly");
    }
    return input_.take(n);
}

/// The separator that ends first; of those that end there the shortest.
std::optional<stream_core::match> stream_core::find(std::span<const std::string_view> separators,
                                                    std::size_t from) const noexcept {
    std::optional<match> first;
    for (const std::string_view separator : separators) {
        const std::size_t begin = input_.bytes().find(separator, from);
        if (begin == std::string_view::npos) continue;
        const match found{begin, begin + separator.size()};
        if (!first || found.end < first->end ||
            (found.end == first->end && found.begin > first->begin))
            first = found;
    }
    return first;
}

std::string stream_core::cut(const char* call, std::span<const std::string_view> separators) {
    rethrow_error();
    std::size_t longest = 0;
    for (const std::string_view separator : separators)
        longest = std::max(longest, separator.size());
    std::size_t from = 0;  // no separator begins before
    std::optional<match> found;
    while (!(found = find(separators, from))) {
        if (input_.size() + 1 > longest) from = input_.size() + 1 - longest;
        if (from > limit_)
            throw limit_overrun_error(
                std::string(call) + ": no separator within the limit of the stream", from);
        if (eof_) {
            const std::string what = std::string(call) + ": " + std::to_string(input_.size()) +
                                     " bytes without a separator, then the stream ended";
            throw incomplete_read_error(what, input_.take(input_.size()), std::nullopt);
        }
        fetch(call);
    }
    if (found->begin > limit_)
        throw limit_overrun_error(
            std::string(call) + ": what is before the separator is longer than the stream's limit",
            found->begin);
    return input_.take(found->end);
}

std::string stream_core::readuntil(std::span<const std::string_view> separators) {
    if (separators.empty()) throw std::invalid_argument("readuntil: there is no separator");
    for (const std::string_view separator : separators)
        if (separator.empty()) throw std::invalid_argument("readuntil: a separator is empty");
    return cut("readuntil", separators);
}

std::string stream_core::readline() {
    static constexpr std::array<std::string_view, 1> line_end = {"\n"};
    try {
        return cut("readline", line_end);
    } catch (const incomplete_read_error& e) {
        return e.partial();
    } catch (const limit_overrun_error& e) {
        const bool ends_here = input_.bytes().substr(e.consumed()).starts_with('\n');
        input_.drop(ends_here ? e.consumed() + 1 : input_.size());
        throw;
    }
}

}  // namespace brio::inline v0::detail
