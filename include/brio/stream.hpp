#pragma once
// asyncio's streams: buffered connections, and servers that accept them.
//
// For all calls, unless they say otherwise:
// - **Suspends** only where it says so. Those calls are for tasks; usage_error elsewhere.
// - **Cancellation** calls that suspend are cancellation points. Bytes that have arrived stay in the
//   stream, so that a read that was cancelled, or timed out, may be made again.
// - **Throws** std::system_error (timeout_error for ETIMEDOUT) when the connection is broken; it is
//   then lost for both halves, and each later read and drain() throws the same error. usage_error on
//   a stream that was moved from, or on another thread than its loop's.
// - **Differs** from asyncio, which reads ahead in the background: here bytes are fetched from the
//   kernel by the task that reads. What nobody reads stays in the kernel, and makes the peer wait.

#include <brio/bytes.hpp>
#include <brio/detail/byte_channel.hpp>
#include <brio/error.hpp>
#include <brio/task.hpp>
#include <brio/time.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace brio::inline v0 {

namespace detail {
class stream_core;
class server_core;
}  // namespace detail

/// What open_connection and servers give to their streams.
struct stream_options {
    std::size_t limit = 64 * 1024;  // bytes: the longest line, and separated piece, of a reader
    std::size_t high_water = 64 * 1024;  // bytes: more than these unsent, and drain() waits

    /// Of open_connection alone, as the next two: a head start for each address before the next
    /// one is tried as well (RFC 8305), families in turn; the first to connect wins. None: one after
    /// another. (asyncio's default is none.)
    delay happy_eyeballs_delay = std::chrono::milliseconds(250);
    /// Numeric: bound to before connecting; empty: the system chooses.
    std::string local_host = {};
    std::uint16_t local_port = 0;

    /// A brio::tls_context, asyncio's ssl=; must live until the connection is made, for a server as
    /// long as the server. Null: plain.
    const detail::channel_layer* tls = nullptr;
    std::string server_hostname = {};  // what the certificate must be for; empty: the host
};

/// asyncio.StreamReader. Move-only: the one owner of its half. One task reads at a time; usage_error
/// for another one meanwhile.
class stream_reader {
public:
    stream_reader(stream_reader&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    stream_reader& operator=(stream_reader&& other) noexcept {
        std::swap(core_, other.core_);
        return *this;
    }
    ~stream_reader();

    /// 1 to n bytes, as soon as there are some; empty at the end of the stream (or for n = 0).
    /// Suspends when nothing is buffered.
    [[nodiscard]] std::string read(std::size_t n);
    /// Everything, up to the end of the stream, whatever the limit. Suspends.
    [[nodiscard]] std::string read();
    /// As read(n), into the caller's memory; returns the count. (Not in asyncio.)
    [[nodiscard]] std::size_t read_into(bytes_out out);
    /// Up to and with the next '\n'; at the end of the stream what is left, at last "". Suspends
    /// until it is there. Throws limit_overrun_error (asyncio: ValueError) for a line longer than the
    /// limit; what was buffered of that line is dropped.
    [[nodiscard]] std::string readline();
    /// Exactly n bytes, whatever the limit. Suspends until they are there. Throws
    /// incomplete_read_error with what there was when the stream ends before.
    [[nodiscard]] std::string readexactly(std::size_t n);
    /// Up to and with the separator. Suspends until it is there. Throws incomplete_read_error when
    /// the stream ends before; limit_overrun_error when there are more than `limit` bytes before it,
    /// which then stay in the stream; std::invalid_argument for an empty separator.
    [[nodiscard]] std::string readuntil(std::string_view separator = "\n");
    /// Likewise, with the separator that ends first; of those that end at the same byte the shortest
    /// counts for the limit. std::invalid_argument when there are none.
    [[nodiscard]] std::string readuntil(std::initializer_list<std::string_view> separators);
    [[nodiscard]] std::string readuntil(const std::vector<std::string>& separators);
    /// The end has been met, and everything before it has been read.
    [[nodiscard]] bool at_eof() const;
    /// Why the connection is lost; null when it is not, or was closed.
    [[nodiscard]] std::exception_ptr exception() const;

    /// `for (std::string& line : reader)`: readline() until it gives "". Suspends in begin() and ++.
    class line_iterator {
    public:
        using value_type = std::string;
        using difference_type = std::ptrdiff_t;
        explicit line_iterator(stream_reader& r) : reader_(&r), line_(r.readline()) {}
        [[nodiscard]] std::string& operator*() const noexcept { return line_; }
        line_iterator& operator++() {
            line_ = reader_->readline();
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const line_iterator& i, std::default_sentinel_t) noexcept {
            return i.line_.empty();
        }

    private:
        stream_reader* reader_;
        mutable std::string line_;
    };
    [[nodiscard]] line_iterator begin() { return line_iterator(*this); }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

    /// For brio itself. Takes over one reference.
    explicit stream_reader(detail::stream_core* core) noexcept : core_(core) {}

private:
    [[nodiscard]] detail::stream_core& core(const char* call) const;
    detail::stream_core* core_;
};

/// asyncio.StreamWriter. Move-only: the one owner of its half. The destructor is close().
///
/// What cannot be sent at once is sent in the background while the loop runs. When run() ends, what
/// is still unsent is dropped, as in asyncio: let main end by close() and wait_closed().
class stream_writer {
public:
    stream_writer(stream_writer&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    stream_writer& operator=(stream_writer&& other) noexcept {
        std::swap(core_, other.core_);
        return *this;
    }
    ~stream_writer();

    /// Sends what the kernel takes at once and keeps a copy of the rest, however much that is:
    /// drain() now and then. Never suspends. usage_error after write_eof(). After close(), and when
    /// the connection is lost, the data is dropped: drain() tells.
    void write(bytes_view data);
    /// write() of each.
    template <class Range>
    requires requires(const Range& r) { bytes_view(*std::begin(r)); }
    void writelines(const Range& lines) {
        for (const auto& line : lines) write(line);
    }
    void writelines(std::initializer_list<bytes_view> lines) {
        for (const bytes_view line : lines) write(line);
    }
    /// Suspends while more is unsent than the high-water mark, until it is down to the low one; any
    /// number of tasks may. After close() it lets others run once. Throws the connection's error;
    /// std::system_error (ECONNRESET) when the connection has been closed.
    void drain();
    /// Bytes; low none is high / 4. std::invalid_argument unless high >= low. (In asyncio of the
    /// transport.)
    void set_write_buffer_limits(std::size_t high, std::optional<std::size_t> low = {});
    /// Bytes that are unsent. (asyncio: transport.get_write_buffer_size())
    [[nodiscard]] std::size_t get_write_buffer_size() const;
    /// No more will be written: once all is sent the peer reads the end of the stream. Does not
    /// suspend. A second call does nothing. usage_error where !can_write_eof().
    void write_eof();
    [[nodiscard]] bool can_write_eof() const;
    /// Ends the connection when all that was written is sent, in the background. Does not suspend.
    /// The reader then finds the end of the stream. A second call does nothing.
    void close();
    /// Ends the connection now; what is unsent is dropped. (asyncio: transport.abort())
    void abort();
    /// Suspends until the connection has ended: after close() or abort(), or because it was lost.
    /// Throws the error of one that was lost.
    void wait_closed();
    [[nodiscard]] bool is_closing() const;

    /// asyncio's names, as text: "peername", "sockname", of TLS "cipher" and others; "" when unknown.
    /// Also after the connection has ended.
    [[nodiscard]] std::string get_extra_info(std::string_view name) const;
    /// "127.0.0.1:8080", "[::1]:8080", a path.
    [[nodiscard]] std::string peername() const { return get_extra_info("peername"); }
    /// The descriptor, which stays the stream's; -1 when there is none (any more).
    [[nodiscard]] int native_handle() const;

    /// Turns the connection into a TLS one, on the side on which it was made; suspends until all is
    /// sent and the handshake is done. What the reader has buffered is the handshake's first bytes.
    /// Nobody may be reading. When it throws (cancelled_error too) the connection is lost.
    void start_tls(const detail::channel_layer& tls, std::string_view server_hostname = {});

    /// For brio itself. Takes over one reference.
    explicit stream_writer(detail::stream_core* core) noexcept : core_(core) {}

private:
    [[nodiscard]] detail::stream_core& core(const char* call) const;
    detail::stream_core* core_;
};

/// `auto [reader, writer] = brio::open_connection("example.org", 80);` Keep both: when the writer
/// dies the connection is closed.
struct connection {
    stream_reader reader;
    stream_writer writer;
};

/// Suspends until connected. `host` is numeric, or a name, which is looked up on a helper thread;
/// "" is this machine. When none of its addresses answers the error names each; when cancelled nothing
/// stays open. std::invalid_argument for a server_hostname without tls.
[[nodiscard]] connection open_connection(std::string_view host, std::uint16_t port,
                                         const stream_options& options = {});
/// A path that begins with a 0 byte is an abstract name. std::invalid_argument when it is empty or
/// too long.
[[nodiscard]] connection open_unix_connection(std::string_view path,
                                              const stream_options& options = {});

struct server_options {
    stream_options streams = {};
    int backlog = 100;           // connections that the kernel keeps for accept
    bool reuse_address = true;   // SO_REUSEADDR
    bool reuse_port = false;     // SO_REUSEPORT
    bool start_serving = true;   // false: server::start_serving() or serve_forever() does
    bool cleanup_socket = true;  // a unix server removes its path when it closes
};

/// asyncio.Server. Move-only. Accepts in the background while the loop runs; each client's handler
/// runs in a task of its own.
class server {
public:
    server(server&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    server& operator=(server&& other) noexcept {
        std::swap(core_, other.core_);
        return *this;
    }
    /// close(); handlers and connections go on.
    ~server();

    /// Accepts no more, and frees the addresses. Connections go on. Does not suspend; a second call
    /// does nothing. Ends serve_forever().
    void close();
    /// close() and abort() of every connection that is open.
    void close_clients();
    void abort_clients();
    /// Suspends until the server is closed and its last connection has ended.
    void wait_closed();
    /// Begins to accept; nothing when it does already. Suspends for a turn. usage_error when closed.
    void start_serving();
    /// Accepts until the task is cancelled or close() is called; closes the server, waits as
    /// wait_closed() and throws cancelled_error, both as in asyncio. usage_error when closed, or when
    /// another task is in it.
    void serve_forever();
    [[nodiscard]] bool is_serving() const;
    /// The listening descriptors, which stay the server's; empty when closed.
    [[nodiscard]] std::vector<int> sockets() const;
    /// Of the first socket: for port 0. 0 when it is a unix server or closed.
    [[nodiscard]] std::uint16_t port() const;

    /// For brio itself. Takes over one reference.
    explicit server(detail::server_core* core) noexcept : core_(core) {}

private:
    [[nodiscard]] detail::server_core& core(const char* call) const;
    detail::server_core* core_;
};

/// Called in a task of its own for each client; several calls may be under way at once. What it
/// throws goes to the loop's exception handler; the connection is then closed.
template <class H>
concept client_handler = std::invocable < std::decay_t<H>
&, stream_reader, stream_writer > ;

namespace detail {
/// The handler of a server, shared by its clients' tasks.
class client_function {
public:
    client_function() = default;
    client_function(const client_function&) = delete;
    client_function& operator=(const client_function&) = delete;
    virtual ~client_function() = default;
    virtual void call(stream_reader reader, stream_writer writer) = 0;
};
template <class H>
class client_function_of final : public client_function {
public:
    template <class G>
    explicit client_function_of(G&& handler) : handler_(std::forward<G>(handler)) {}
    void call(stream_reader reader, stream_writer writer) override {
        handler_(std::move(reader), std::move(writer));
    }

private:
    H handler_;
};
template <client_handler H>
client_function* make_client_function(H&& handler) {
    return new client_function_of<std::decay_t<H>>(std::forward<H>(handler));
}
[[nodiscard]] server serve(client_function* owned, std::string_view host, std::uint16_t port,
                           const server_options& options);
[[nodiscard]] server serve_unix(client_function* owned, std::string_view path,
                                const server_options& options);
}  // namespace detail

/// Listens on every address that `host` has ("": all interfaces, IPv4 and IPv6), on one port; 0 takes
/// a free one. Suspends (for a name: until it is looked up). Throws std::system_error.
template <client_handler H>
[[nodiscard]] server start_server(H&& handler, std::string_view host, std::uint16_t port,
                                  const server_options& options = {}) {
    return detail::serve(detail::make_client_function(std::forward<H>(handler)), host, port,
                         options);
}
/// A socket that is left over at `path` is removed first, as in asyncio.
template <client_handler H>
[[nodiscard]] server start_unix_server(H&& handler, std::string_view path,
                                       const server_options& options = {}) {
    return detail::serve_unix(detail::make_client_function(std::forward<H>(handler)), path,
                              options);
}

}  // namespace brio::inline v0
