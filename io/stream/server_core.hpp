#pragma once
// A server: listening sockets, a background task for each that accepts, and the streams of its
// clients.
//
//   bound -> serving -> closed      start_serving(), close()
//         -> closed
//
// 1. Counted: the handle, each acceptor, each client's task and each of its streams that has not
//    ended hold it.
// 2. A client counts until its stream has ended, whatever its handler does.

#include "net/address.hpp"
#include "stream/stream_core.hpp"

#include <brio/future.hpp>
#include <brio/io/descriptor.hpp>
#include <brio/stream.hpp>
#include <brio/task.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace brio::inline v0::detail {

class server_core final : public end_listener {
public:
    /// One reference, the caller's.
    server_core(loop_core& loop, std::unique_ptr<client_function> handler,
                const server_options& options);
    server_core(const server_core&) = delete;
    server_core& operator=(const server_core&) = delete;

    void retain() noexcept { ++references_; }
    void release() noexcept {
        if (--references_ == 0) delete this;
    }
    void require_thread(const char* call) const;

    /// Before it serves. Both throw std::system_error and leave it as it was.
    void bind(const std::vector<address>& where);
    void bind_unix(std::string_view path);

    // ---- as in server
    void listen();
    void close() noexcept;
    void close_clients() noexcept;
    void abort_clients() noexcept;
    void wait_closed();
    void serve_forever();
    [[nodiscard]] bool is_serving() const noexcept { return state_ == state::serving; }
    [[nodiscard]] std::vector<int> sockets() const;
    [[nodiscard]] std::uint16_t port() const;

    void stream_ended(std::uint64_t number) noexcept override;

private:
    enum class state : unsigned char { bound, serving, closed };
    struct listener {
        address where;
        io::descriptor socket;
    };

    ~server_core();

    [[nodiscard]] bool is_unix() const noexcept {
        return listeners_[0].where.base.sa_family == AF_UNIX;
    }
    [[nodiscard]] io::descriptor socket_at(const address& where) const;
    [[nodiscard]] std::vector<listener> bound_to(const std::vector<address>& where) const;
    void start_acceptor(int socket);
    void accept_from(int socket);
    [[nodiscard]] bool goes_on_after(int error);
    void welcome(io::descriptor client);
    void serve(stream_core& client);
    void stop_listening(io::descriptor& socket) noexcept;
    void remove_path() noexcept;
    [[nodiscard]] std::vector<stream_core*> held_clients() const;

    loop_core& loop_;
    std::unique_ptr<client_function> handler_;
    const server_options options_;
    unsigned references_ = 1;
    state state_ = state::bound;
    std::vector<listener> listeners_;
    std::vector<task<void>> acceptors_;
    std::map<std::uint64_t, stream_core*> clients_;  // by the order in which they came
    std::uint64_t last_number_ = 0;
    waiter_list until_closed_{"wait_closed"};
    future<void> forever_;  // what serve_forever() awaits
    std::string path_;      // to be removed
    ino_t inode_ = 0;       // of the path, as it was made
};

}  // namespace brio::inline v0::detail
