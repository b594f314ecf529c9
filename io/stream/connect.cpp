// open_connection: asyncio's create_connection.

#include "stream/connect.hpp"

#include "net/failure.hpp"
#include "net/make_socket.hpp"
#include "stream/make_stream.hpp"

#include <brio/stream.hpp>
#include <brio/task_group.hpp>
#include <brio/wait.hpp>

#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <system_error>
#include <vector>

namespace brio::inline v0 {
namespace detail {

namespace {

/// The families in turn, beginning with the first one's; the order in each stays.
std::vector<address> interleaved(const std::vector<address>& all) {
    std::vector<address> first_family;
    std::vector<address> others;
    for (const address& a : all) {
        const bool first = a.base.sa_family == all.front().base.sa_family;
        (first ? first_family : others).push_back(a);
    }
    std::vector<address> mixed;
    for (std::size_t i = 0; mixed.size() < all.size(); ++i) {
        if (i < first_family.size()) mixed.push_back(first_family[i]);
        if (i < others.size()) mixed.push_back(others[i]);
    }
    return mixed;
}

/// `local`: where to bind before; null leaves that to the system. Suspends; when it throws the socket
/// is closed.
io::descriptor connected_to(const address& peer, const address* local) {
    io::descriptor fd = open_socket(peer.base.sa_family, SOCK_STREAM);
    if (local != nullptr) bind_to(fd, *local);
    connect_to(fd, peer);
    return fd;
}

/// Attempts that begin one after another and go on side by side; the first to connect wins, and the
/// others end before run() returns.
class race {
public:
    race(std::vector<address> candidates, const address* local, delay head_start)
        : candidates_(std::move(candidates)), local_(local), head_start_(head_start) {}

    io::descriptor run() {
        task_group([this](task_group_scope& attempts) {
            for (const address& peer : candidates_) {
                const task<void> attempt =
                    attempts.create_task([this, &attempts, &peer] { try_one(attempts, peer); });
                (void)wait({attempt}, {.timeout = head_start_});
            }
        });
        if (winner_.get() < 0) throw_io_error(last_error_, "connect to", failures_);
        return std::move(winner_);
    }

private:
    void try_one(task_group_scope& attempts, const address& peer) {
        try {
            io::descriptor connected = connected_to(peer, local_);
            if (winner_.get() < 0) winner_ = std::move(connected);
            attempts.cancel();
        } catch (const std::system_error& e) {
            note_failure(peer, e.code());
        }
    }
    /// For "connect to A (why), B: why".
    void note_failure(const address& peer, const std::error_code& why) {
        if (!failures_.empty())
            failures_ += " (" + std::system_category().message(last_error_) + "), ";
        failures_ += peer.text();
        last_error_ = why.value();
    }

    std::vector<address> candidates_;
    const address* local_;
    delay head_start_;
    io::descriptor winner_;
    std::string failures_;
    int last_error_ = 0;
};

}  // namespace

io::descriptor connect_to_one_of(const std::vector<address>& found, const stream_options& options,
                                 const std::string& host) {
    address local;
    const bool bound = !options.local_host.empty();
    if (bound && !parse_numeric(options.local_host, options.local_port, local))
        throw std::invalid_argument("open_connection: local_host is not a numeric address: " +
                                    options.local_host);
    std::vector<address> candidates;
    for (const address& peer : found)
        if (!bound || peer.base.sa_family == local.base.sa_family) candidates.push_back(peer);
    if (candidates.empty()) throw_io_error(EADDRNOTAVAIL, "connect to", host);
    const address* const own = bound ? &local : nullptr;
    if (candidates.size() == 1) return connected_to(candidates.front(), own);
    return race(interleaved(candidates), own, options.happy_eyeballs_delay).run();
}

namespace {

void require_sense(const char* call, const stream_options& options) {
    if (options.tls == nullptr && !options.server_hostname.empty())
        throw std::invalid_argument(std::string(call) + ": server_hostname is for TLS only");
    if (options.limit == 0) throw std::invalid_argument(std::string(call) + ": the limit is 0");
}

connection connected(io::descriptor fd, const stream_options& options, std::string_view host) {
    connection c = make_connection(make_socket_channel(std::move(fd)), options);
    if (options.tls != nullptr)
        c.writer.start_tls(*options.tls,
                           options.server_hostname.empty() ? host : options.server_hostname);
    return c;
}

}  // namespace
}  // namespace detail

connection open_connection(std::string_view host, std::uint16_t port,
                           const stream_options& options) {
    detail::require_sense("open_connection", options);
    const std::vector<detail::address> found = detail::addresses_of(host, port);
    io::descriptor fd = detail::connect_to_one_of(found, options, std::string(host));
    detail::set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    return detail::connected(std::move(fd), options, host);
}

connection open_unix_connection(std::string_view path, const stream_options& options) {
    detail::require_sense("open_unix_connection", options);
    return detail::connected(detail::connected_to(detail::unix_address(path), nullptr), options,
                             "");
}

}  // namespace brio::inline v0
