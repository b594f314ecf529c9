// How a stream ends.

#include "stream/stream_core.hpp"

#include "sync/waiter.hpp"

#include <brio/error.hpp>

namespace brio::inline v0::detail {

stream_core::stream_core(loop_core& loop, byte_channel* owned, stream_limits limits) noexcept
    : loop_(loop),
      channel_(owned),
      limit_(limits.line),
      high_(limits.high_water),
      low_(limits.high_water / 4) {
    loop_.retain();
}

stream_core::~stream_core() {
    delete channel_;
    if (listener_ != nullptr) listener_->stream_ended(number_);
    loop_.release();
}

void stream_core::require_thread(const char* call) const {
    if (!loop_.on_own_thread())
        throw usage_error("the stream that " + std::string(call) +
                          "() is called on belongs to another thread");
}

void stream_core::rethrow_error() const {
    if (error_ != nullptr) std::rethrow_exception(error_);
}

void stream_core::close() noexcept {
    if (state_ != state::open) return;
    if (loop_.closed()) return abort();
    state_ = state::closing;
    if (flushing_) return;
    if (!channel_->ends_at_once()) return start_flusher();
    try {
        channel_->close();
        end();
    } catch (...) {
        lose(std::current_exception());
    }
}

void stream_core::abort() noexcept {
    if (state_ == state::ended) return;
    if (channel_ != nullptr) channel_->abort();
    end();
}

void stream_core::lose(std::exception_ptr error) noexcept {
    if (state_ == state::ended) return;
    error_ = std::move(error);
    abort();
}

void stream_core::end() noexcept {
    state_ = state::ended;
    eof_ = true;
    pending_.clear();
    unsent_ = 0;
    paused_ = false;
    drainers_.wake_all();
    until_ended_.wake_all();
    if (end_listener* const told = std::exchange(listener_, nullptr)) told->stream_ended(number_);
}

void stream_core::wait_closed() {
    if (state_ != state::ended) waiter(until_ended_, until_ended_.bind("wait_closed")).wait();
    rethrow_error();
}

}  // namespace brio::inline v0::detail
