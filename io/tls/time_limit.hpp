#pragma once
// How long a handshake or a goodbye may take, on the loop's clock.

#include <brio/detail/byte_channel.hpp>
#include <brio/event_loop.hpp>
#include <brio/time.hpp>

#include <exception>

namespace brio::inline v0::detail {

/// Aborts a channel when the time is up: that ends every wait in it, also the wait of a fiber that
/// may not be cancelled now.
class time_limit {
public:
    time_limit(byte_channel& limited, delay length) {
        if (!length.get()) return;
        timer_ = get_running_loop().call_later(length, [this, &limited] {
            expired_ = true;
            limited.abort();
        });
    }
    time_limit(const time_limit&) = delete;
    time_limit& operator=(const time_limit&) = delete;
    ~time_limit() { timer_.cancel(); }
    [[nodiscard]] bool expired() const noexcept { return expired_; }

private:
    callback_handle timer_;
    bool expired_ = false;
};

/// Whether the time was up before body() ended.
template <class Body>
bool out_of_time(byte_channel& limited, delay length, Body body) {
    const time_limit limit(limited, length);
    try {
        body();
    } catch (const std::exception&) {  // a cancelled_error is none
        if (!limit.expired()) throw;
    }
    return limit.expired();
}

}  // namespace brio::inline v0::detail
