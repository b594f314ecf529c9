#pragma once
// What a stream reads from and writes to: a socket, a pipe, the two ends of a test, or TLS above any
// of them. Blocking in shape, as all of Brio: a call that cannot go on suspends its fiber.
//
// 1. One fiber at a time reads, and one at a time writes; the two may be different fibers, and both
//    may be suspended in the channel at once.
// 2. A result that has arrived wins over a cancel: it is returned, and the cancel stays pending for
//    the next suspension. So no byte is lost or sent twice.
// 3. What a write did not take is offered again, unchanged and first, by the next one: TLS may have
//    encrypted it already.
// 4. Loop thread only.

#include <brio/bytes.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace brio::inline v0::detail {

class byte_channel {
public:
    byte_channel() = default;
    byte_channel(const byte_channel&) = delete;
    byte_channel& operator=(const byte_channel&) = delete;
    /// Closes as abort() does, where nothing has closed it before.
    virtual ~byte_channel() = default;

    /// 1 to out.size() bytes, as soon as there are some; 0 at the end of the stream. Suspends.
    /// Throws std::system_error, cancelled_error.
    virtual std::size_t read(bytes_out out) = 0;
    /// At least one byte, as many as can go at once; returns the count. Suspends, throws as read().
    virtual std::size_t write(bytes_view data) = 0;
    /// What can go without suspending, perhaps 0. Throws std::system_error.
    virtual std::size_t try_write(bytes_view data) = 0;

    [[nodiscard]] virtual bool can_write_eof() const noexcept = 0;
    /// Whether write_eof() and close() never suspend: then ending a stream needs no task.
    [[nodiscard]] virtual bool ends_at_once() const noexcept { return false; }
    /// All has been written: the peer reads the end of the stream. May suspend (TLS says goodbye).
    virtual void write_eof() = 0;
    /// All has been written: an orderly end of both directions. May suspend (TLS says goodbye); a
    /// fiber suspended in read() gets 0 or an error. A second call does nothing.
    virtual void close() = 0;
    /// At once, without ceremony: what the kernel has not sent may be lost. Never suspends. A fiber
    /// suspended in read() or write() gets an error.
    virtual void abort() noexcept = 0;

    /// The descriptor under it all; -1 when there is none or it is closed.
    [[nodiscard]] virtual int descriptor() const noexcept = 0;
    /// asyncio's get_extra_info as text: "peername", "sockname", "cipher", ...; empty when unknown.
    [[nodiscard]] virtual std::string extra_info(std::string_view name) const = 0;
};

/// What makes one channel of another: TLS. Owned by the user; outlives the calls below.
class channel_layer {
public:
    /// Both suspend for the handshake and throw what went wrong, cancelled_error too. `owned` belongs
    /// to the layer from the call on; when it throws it deletes `owned` last. Meanwhile abort() may
    /// be called on `owned` from another fiber: the handshake then fails.
    [[nodiscard]] virtual byte_channel* client(byte_channel* owned,
                                               std::string_view server_hostname) const = 0;
    [[nodiscard]] virtual byte_channel* server(byte_channel* owned) const = 0;

protected:
    ~channel_layer() = default;
};

}  // namespace brio::inline v0::detail
