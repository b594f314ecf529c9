// The writing half, as asyncio/streams.py has StreamWriter, and the transport below it; and the
// upgrade to TLS.

#include "net/failure.hpp"
#include "stream/flag_scope.hpp"
#include "stream/prefixed_channel.hpp"
#include "stream/reference.hpp"
#include "stream/stream_core.hpp"
#include "sync/waiter.hpp"

#include <brio/error.hpp>
#include <brio/task.hpp>

#include <cerrno>
#include <stdexcept>
#include <string>

namespace brio::inline v0::detail {

namespace {
constexpr std::size_t most_kept = std::size_t{256} << 10;  // of a buffer that is empty
}  // namespace

void stream_core::write(bytes_view data) {
    if (eof_asked_) throw usage_error("write: write_eof() was called before");
    if (state_ != state::open) return;
    std::string_view rest(static_cast<const char*>(data.data()), data.size());
    if (!flushing_) {
        try {
            if (!rest.empty()) rest.remove_prefix(channel_->try_write(rest));
        } catch (...) {
            return lose(std::current_exception());
        }
    }
    if (!rest.empty()) keep_for_flusher(rest);
}

void stream_core::keep_for_flusher(std::string_view rest) {
    pending_.append(rest);
    unsent_ += rest.size();
    if (unsent_ > high_) paused_ = true;
    if (!flushing_) start_flusher();
}

void stream_core::start_flusher() noexcept {
    flushing_ = true;
    try {
        const task_options options{
            .name = "flush of " + extra_info("peername"), .eager_start = false, .stack_size = 0};
        const task<void> flusher =
            create_task_on(loop_, [self = reference(*this)] { self->flush(); }, options, {"", 0});
        loop_.make_background(static_cast<task_core&>(flusher.core()));
    } catch (...) {
        flushing_ = false;
        lose(std::current_exception());
    }
}

void stream_core::flush() noexcept {
    try {
        while (state_ != state::ended && !pending_.empty()) send_pending();
        if (state_ == state::open && eof_asked_ && !std::exchange(eof_sent_, true))
            channel_->write_eof();
        if (state_ == state::closing) {
            channel_->close();
            if (state_ != state::ended) end();
        }
    } catch (const cancelled_error&) {
        abort();  // run() ends; as in asyncio nobody waits for a peer then
    } catch (...) {
        lose(std::current_exception());
    }
    flushing_ = false;
    until_flushed_.wake_all();
}

void stream_core::send_pending() {
    sending_.swap(pending_);
    for (std::string_view rest = sending_; !rest.empty();) {
        const std::size_t count = channel_->write(rest);
        if (state_ == state::ended) return;
        rest.remove_prefix(count);
        unsent_ -= count;
        resume_below(low_);
    }
    sending_.clear();
    if (sending_.capacity() > most_kept) std::string().swap(sending_);
}

void stream_core::resume_below(std::size_t mark) noexcept {
    if (!paused_ || unsent_ > mark) return;
    paused_ = false;
    drainers_.wake_all();
}

void stream_core::drain() {
    rethrow_error();
    if (state_ != state::open) {
        yield();
        require_not_ended("drain of");
    }
    if (paused_) waiter(drainers_, drainers_.bind("drain")).wait();
    rethrow_error();
}

/// Throws when it has ended: its error, or that it was closed.
void stream_core::require_not_ended(const char* what) const {
    static const std::string object = "a closed connection";
    rethrow_error();
    if (state_ == state::ended) throw_io_error(ECONNRESET, what, object);
}

void stream_core::set_write_buffer_limits(std::size_t high, std::optional<std::size_t> low) {
    if (low && *low > high)
        throw std::invalid_argument("set_write_buffer_limits: low is above high");
    high_ = high;
    low_ = low.value_or(high / 4);
    if (unsent_ > high_) paused_ = true;
    resume_below(low_);
}

void stream_core::write_eof() {
    if (!can_write_eof())
        throw usage_error("write_eof: this connection can only end in both directions: close()");
    if (state_ != state::open || std::exchange(eof_asked_, true)) return;
    if (only_writes_) return close();
    if (flushing_) return;
    if (!channel_->ends_at_once()) return start_flusher();
    eof_sent_ = true;
    try {
        channel_->write_eof();
    } catch (...) {
        lose(std::current_exception());
    }
}

// --------------------------------------------------------------------------------------------- TLS

void stream_core::start_tls(const channel_layer& tls, std::string_view server_hostname) {
    while (flushing_) waiter(until_flushed_, until_flushed_.bind("start_tls")).wait();
    if (reading_) throw usage_error("start_tls: a task reads from this stream");
    require_not_ended("start_tls on");
    {
        const flag_scope no_reader(reading_);
        const flag_scope no_flusher(flushing_);
        shake_hands(tls, server_hostname);
    }
    if (state_ == state::ended) channel_->abort();
    require_not_ended("start_tls on");
    const bool must_close = state_ == state::closing;
    if (must_close || eof_asked_ || !pending_.empty()) start_flusher();
    until_flushed_.wake_all();
}

void stream_core::shake_hands(const channel_layer& tls, std::string_view server_hostname) {
    // What a peer has sent behind its request for TLS is the handshake, never the text after it.
    if (!input_.empty()) channel_ = new prefixed_channel(input_.take(input_.size()), channel_);
    try {
        channel_ = server_side_ ? tls.server(channel_) : tls.client(channel_, server_hostname);
    } catch (const cancelled_error&) {
        channel_ = nullptr;
        if (state_ != state::ended) end();
        throw;
    } catch (...) {
        channel_ = nullptr;
        lose(std::current_exception());
        throw;
    }
}

}  // namespace brio::inline v0::detail
