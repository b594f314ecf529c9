#pragma once
// A stream: a channel, what was received from it and is not read, what was written and is not sent.
//
//   open -> closing -> ended    close(), and what was written has been sent
//        -> ended               abort(); or lost, and error() says why
//
// 1. Counted: the reader, the writer, the flusher and a server's handler hold it. The last one
//    deletes the channel.
// 2. One fiber at a time reads from the channel (`reading_`), in its own call. One at a time writes
//    to it (`flushing_`): the flusher, a background task that lives while there is something to send
//    or to end. Only when there is no flusher is anything sent from where it was written.
// 3. The flusher sends `sending_`, which nobody touches meanwhile: the kernel reads it. What is
//    written meanwhile goes to `pending_`.
// 4. An ended stream's channel is closed: it is asked for nothing but its names.
// 5. What ends a stream wakes all who wait: drain(), wait_closed(), and by way of the channel the
//    fibers that are suspended in it.

#include "stream/receive_buffer.hpp"
#include "task/loop_core.hpp"

#include <brio/bytes.hpp>
#include <brio/detail/byte_channel.hpp>
#include <brio/detail/waiter_list.hpp>
#include <brio/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace brio::inline v0::detail {

struct stream_limits {
    std::size_t line;        // the reader's limit
    std::size_t high_water;  // the writer's
};

/// Is told when a stream has ended.
class end_listener {
public:
    virtual void stream_ended(std::uint64_t number) noexcept = 0;

protected:
    ~end_listener() = default;
};

class stream_core {
public:
    /// One reference, the caller's. Takes over the channel.
    stream_core(loop_core& loop, byte_channel* owned, stream_limits limits) noexcept;
    stream_core(const stream_core&) = delete;
    stream_core& operator=(const stream_core&) = delete;

    void retain() noexcept { ++references_; }
    void release() noexcept {
        if (--references_ == 0) delete this;
    }
    /// usage_error on another thread.
    void require_thread(const char* call) const;
    /// start_tls() takes the server's side.
    void take_server_side() noexcept { server_side_ = true; }
    /// There is no other direction: write_eof() is close(), as of asyncio's pipes.
    void take_only_writes() noexcept { only_writes_ = true; }
    /// `listener` hears once, under `number`, of the stream's end, or of its death before.
    void tell_end_to(end_listener& listener, std::uint64_t number) noexcept {
        listener_ = &listener;
        number_ = number;
    }

    // ---- reading: as in stream_reader
    [[nodiscard]] std::string read(std::size_t n);
    [[nodiscard]] std::string read_all();
    [[nodiscard]] std::size_t read_into(bytes_out out);
    [[nodiscard]] std::string readline();
    [[nodiscard]] std::string readexactly(std::size_t n);
    [[nodiscard]] std::string readuntil(std::span<const std::string_view> separators);
    [[nodiscard]] bool at_eof() const noexcept { return eof_ && input_.empty(); }
    [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }

    // ---- writing: as in stream_writer
    void write(bytes_view data);
    void drain();
    void set_write_buffer_limits(std::size_t high, std::optional<std::size_t> low);
    [[nodiscard]] std::size_t unsent() const noexcept { return unsent_; }
    void write_eof();
    [[nodiscard]] bool can_write_eof() const noexcept {
        return channel_ != nullptr && channel_->can_write_eof();
    }
    void start_tls(const channel_layer& tls, std::string_view server_hostname);

    // ---- both
    void close() noexcept;
    void abort() noexcept;
    void wait_closed();
    [[nodiscard]] bool is_closing() const noexcept { return state_ != state::open; }
    [[nodiscard]] int descriptor() const noexcept {
        return channel_ != nullptr ? channel_->descriptor() : -1;
    }
    [[nodiscard]] std::string extra_info(std::string_view name) const {
        return channel_ != nullptr ? channel_->extra_info(name) : std::string();
    }

private:
    enum class state : unsigned char { open, closing, ended };
    struct match {
        std::size_t begin;  // of the separator
        std::size_t end;
    };

    ~stream_core();

    std::size_t receive(const char* call, bytes_out out);
    void fetch(const char* call);
    void rethrow_error() const;
    [[nodiscard]] std::optional<match> find(std::span<const std::string_view> separators,
                                            std::size_t from) const noexcept;
    std::string cut(const char* call, std::span<const std::string_view> separators);

    void keep_for_flusher(std::string_view rest);
    void start_flusher() noexcept;
    void flush() noexcept;
    void send_pending();
    void resume_below(std::size_t mark) noexcept;
    void require_not_ended(const char* what) const;
    void shake_hands(const channel_layer& tls, std::string_view server_hostname);

    void lose(std::exception_ptr error) noexcept;
    void end() noexcept;

    loop_core& loop_;
    byte_channel* channel_;  // owned, but by the layer during a handshake; null when that failed
    std::exception_ptr error_;
    unsigned references_ = 1;
    state state_ = state::open;
    bool reading_ = false;
    bool flushing_ = false;
    bool eof_ = false;        // the channel has said that nothing more will come
    bool eof_asked_ = false;  // write_eof()
    bool eof_sent_ = false;
    bool paused_ = false;  // drain() waits
    bool server_side_ = false;
    bool only_writes_ = false;

    receive_buffer input_;
    std::size_t limit_;

    std::string pending_;
    std::string sending_;
    std::size_t unsent_ = 0;  // of both
    std::size_t high_;
    std::size_t low_;
    waiter_list drainers_{"drain"};
    waiter_list until_flushed_{"start_tls"};
    waiter_list until_ended_{"wait_closed"};

    end_listener* listener_ = nullptr;
    std::uint64_t number_ = 0;
};

/// A stream of the running loop; usage_error without one, std::invalid_argument for a limit of 0: then
/// `owned` is deleted. One reference, the caller's.
[[nodiscard]] stream_core& make_stream(byte_channel* owned, stream_limits limits);
/// Takes over one reference.
[[nodiscard]] connection halves_of(stream_core& core) noexcept;

}  // namespace brio::inline v0::detail
