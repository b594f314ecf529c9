#include "stream/server_core.hpp"

#include "net/failure.hpp"
#include "net/make_socket.hpp"
#include "ops/ops.hpp"
#include "stream/make_stream.hpp"
#include "stream/reference.hpp"
#include "sync/waiter.hpp"

#include <brio/error.hpp>
#include <brio/event_loop.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace brio::inline v0::detail {

namespace {

constexpr auto accept_retry_delay = std::chrono::seconds(1);  // asyncio's ACCEPT_RETRY_DELAY

/// The system has run out of something that may come back.
bool is_shortage(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}
/// It is the client's or the network's trouble: accept(2) lists these.
bool concerns_one_client(int error) noexcept {
    switch (error) {
        case ECONNABORTED:
        case EHOSTDOWN:
        case EHOSTUNREACH:
        case EINTR:
        case ENETDOWN:
        case ENETUNREACH:
        case ENONET:
        case ENOPROTOOPT:
        case EPERM:
        case EPROTO:
            return true;
        default:
            return false;
    }
}

/// This machine does not use such addresses: asyncio leaves them out, too.
bool family_is_missing(int error) noexcept {
    return error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
}

/// False when the handshake has failed. As in asyncio that is not worth a report: anybody may knock.
bool secured(stream_writer& writer, const channel_layer& tls) {
    try {
        writer.start_tls(tls);
        return true;
    } catch (const std::exception&) {
        return false;
    }
}

/// The inode of a socket at `path`; 0 when there is none.
ino_t inode_of(const std::string& path) noexcept {
    struct stat file {};
    const bool is_socket = ::lstat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode);
    return is_socket ? file.st_ino : 0;
}

}  // namespace

server_core::server_core(loop_core& loop, std::unique_ptr<client_function> handler,
                         const server_options& options)
    : loop_(loop), handler_(std::move(handler)), options_(options) {
    loop_.retain();
}

server_core::~server_core() {
    remove_path();
    loop_.release();
}

void server_core::require_thread(const char* call) const {
    if (!loop_.on_own_thread())
        throw usage_error("the server that " + std::string(call) +
                          "() is called on belongs to another thread");
}

// --------------------------------------------------------------------------------------- listening

io::descriptor server_core::socket_at(const address& where) const {
    io::descriptor fd = open_socket(where.base.sa_family, SOCK_STREAM);
    const bool is_unix = where.base.sa_family == AF_UNIX;
    if (options_.reuse_address && !is_unix) set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (options_.reuse_port) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
    if (where.base.sa_family == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    bind_to(fd, where);
    return fd;
}

/// All on one port: where 0 asks for a free one, the first decides.
std::vector<server_core::listener> server_core::bound_to(const std::vector<address>& where) const {
    std::vector<listener> bound;
    std::exception_ptr missing;
    for (address a : where) {
        if (!bound.empty() && a.port() == 0) a.set_port(own_endpoint(bound[0].socket.get()).port());
        if (std::any_of(bound.begin(), bound.end(), [&a](auto& b) { return b.where == a; }))
            continue;
        try {
            bound.push_back({a, socket_at(a)});
        } catch (const std::system_error& e) {
            if (!family_is_missing(e.code().value())) throw;
            missing = std::current_exception();
        }
    }
    if (bound.empty()) std::rethrow_exception(missing);
    return bound;
}

void server_core::bind(const std::vector<address>& where) {
    const bool any_port = where.front().port() == 0;
    for (int attempts = any_port ? 8 : 1; listeners_.empty(); --attempts) {
        try {
            listeners_ = bound_to(where);
        } catch (const std::system_error& e) {
            // The port that was free for one address is somebody's for another one.
            if (e.code() != std::errc::address_in_use || attempts == 1) throw;
        }
    }
}

void server_core::bind_unix(std::string_view path) {
    const address where = unix_address(path);
    const std::string text(path);
    const bool abstract = text[0] == '\0';
    if (!abstract && inode_of(text) != 0) ::unlink(text.c_str());
    listeners_.push_back({where, socket_at(where)});
    if (abstract || !options_.cleanup_socket) return;
    path_ = text;
    inode_ = inode_of(text);
}

void server_core::remove_path() noexcept {
    // Not another server's, who has taken the path over.
    if (!path_.empty() && inode_of(path_) == inode_) ::unlink(path_.c_str());
    path_.clear();
}

void server_core::listen() {
    if (state_ == state::closed) throw usage_error("start_serving: the server is closed");
    if (state_ == state::serving) return;
    for (const listener& l : listeners_)
        if (::syscall(SYS_listen, l.socket.get(), options_.backlog) != 0)
            throw_io_error(errno, "listen on", l.where.text());
    state_ = state::serving;
    for (const listener& l : listeners_) start_acceptor(l.socket.get());
}

void server_core::stop_listening(io::descriptor& socket) noexcept {
    // Refuses from now on, though an accept that is being cancelled still holds the socket.
    ::syscall(SYS_shutdown, socket.get(), SHUT_RDWR);
    if (!loop_.closed() && loop_.has_reactor()) loop_.io().forget(socket.get());
    socket.close();
}

void server_core::close() noexcept {
    if (state_ == state::closed) return;
    state_ = state::closed;
    for (const task<void>& acceptor : std::exchange(acceptors_, {})) acceptor.cancel();
    for (listener& l : listeners_) stop_listening(l.socket);
    listeners_.clear();
    remove_path();
    if (forever_.valid()) forever_.cancel();
    if (clients_.empty()) until_closed_.wake_all();
}

std::vector<int> server_core::sockets() const {
    std::vector<int> all;
    for (const listener& l : listeners_) all.push_back(l.socket.get());
    return all;
}

std::uint16_t server_core::port() const {
    return listeners_.empty() ? std::uint16_t{0} : own_endpoint(listeners_[0].socket.get()).port();
}

void server_core::wait_closed() {
    if (state_ != state::closed || !clients_.empty())
        waiter(until_closed_, until_closed_.bind("wait_closed")).wait();
}

void server_core::serve_forever() {
    if (forever_.valid()) throw usage_error("serve_forever: another task is in it already");
    if (state_ == state::closed) throw usage_error("serve_forever: the server is closed");
    listen();
    forever_ = loop_.facade().create_future<void>();
    try {
        forever_.await();
    } catch (const cancelled_error&) {
        forever_ = {};
        close();
        wait_closed();
        throw;
    }
}

// --------------------------------------------------------------------------------------- accepting

void server_core::start_acceptor(int socket) {
    const task_options options{.name = "accept", .eager_start = false, .stack_size = 0};
    acceptors_.push_back(create_task_on(
        loop_, [self = reference(*this), socket] { self->accept_from(socket); }, options, {"", 0}));
    loop_.make_background(static_cast<task_core&>(acceptors_.back().core()));
}

void server_core::accept_from(int socket) {
    while (state_ == state::serving) {
        try {
            const int client = ops::accept(socket, nullptr, nullptr, SOCK_CLOEXEC);
            if (client < 0) throw_io_error(-client, "accept", "");
            welcome(io::descriptor(client));
        } catch (const std::system_error& e) {
            if (!goes_on_after(e.code().value())) return;
        }
    }
}

/// In the handler of such an error: whether to accept again, perhaps after a while.
bool server_core::goes_on_after(int error) {
    if (state_ != state::serving) return false;
    if (concerns_one_client(error)) return true;
    const std::exception_ptr why = std::current_exception();
    if (!is_shortage(error)) {
        loop_.report({"a server accepts no more", why, {}});
        return false;
    }
    loop_.report({"a server lacks what it needs to accept: it tries again in a second", why, {}});
    sleep(accept_retry_delay);
    return true;
}

void server_core::welcome(io::descriptor client) {
    if (state_ != state::serving) return;
    if (!is_unix()) set_option(client.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    const stream_limits limits{options_.streams.limit, options_.streams.high_water};
    stream_core& stream = make_stream(make_socket_channel(std::move(client)), limits);
    reference held(stream);
    stream.release();
    stream.take_server_side();
    clients_.emplace(++last_number_, &stream);
    retain();
    stream.tell_end_to(*this, last_number_);
    (void)create_task_on(
        loop_, [self = reference(*this), client = std::move(held)] { self->serve(*client); },
        default_task_options, {"", 0});
}

void server_core::serve(stream_core& client) {
    client.retain();
    connection c = halves_of(client);
    if (options_.streams.tls != nullptr && !secured(c.writer, *options_.streams.tls)) return;
    try {
        handler_->call(std::move(c.reader), std::move(c.writer));
    } catch (const cancelled_error&) {
        client.close();
        throw;
    } catch (...) {
        client.close();
        loop_.report({"exception in a client's handler", std::current_exception(), current_task()});
    }
}

std::vector<stream_core*> server_core::held_clients() const {
    std::vector<stream_core*> all;
    for (const auto& [number, client] : clients_) all.push_back(client);
    return all;
}

void server_core::close_clients() noexcept {
    for (stream_core* const client : held_clients()) client->close();
}

void server_core::abort_clients() noexcept {
    for (stream_core* const client : held_clients()) client->abort();
}

void server_core::stream_ended(std::uint64_t number) noexcept {
    clients_.erase(number);
    if (state_ == state::closed && clients_.empty()) until_closed_.wake_all();
    release();
}

}  // namespace brio::inline v0::detail
