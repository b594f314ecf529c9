// The public shell of servers, and what starts them.

#include "net/address.hpp"
#include "scheduler/park.hpp"
#include "stream/server_core.hpp"

#include <brio/error.hpp>
#include <brio/stream.hpp>

#include <stdexcept>

namespace brio::inline v0 {

server::~server() {
    if (core_ == nullptr) return;
    core_->close();
    core_->release();
}

detail::server_core& server::core(const char* call) const {
    if (core_ == nullptr)
        throw usage_error("the server that " + std::string(call) +
                          "() is called on was moved from");
    core_->require_thread(call);
    return *core_;
}

void server::close() {
    core("close").close();
}
void server::close_clients() {
    core("close_clients").close_clients();
}
void server::abort_clients() {
    core("abort_clients").abort_clients();
}
void server::wait_closed() {
    core("wait_closed").wait_closed();
}
void server::start_serving() {
    core("start_serving").listen();
    yield();
}
void server::serve_forever() {
    core("serve_forever").serve_forever();
}
bool server::is_serving() const {
    return core("is_serving").is_serving();
}
std::vector<int> server::sockets() const {
    return core("sockets").sockets();
}
std::uint16_t server::port() const {
    return core("port").port();
}

namespace detail {
namespace {

server_core* make_server(const char* call, client_function* owned, const server_options& options) {
    std::unique_ptr<client_function> handler(owned);
    fiber& self = require_fiber(call);
    if (options.streams.limit == 0)
        throw std::invalid_argument(std::string(call) + ": the limit is 0");
    return new server_core(static_cast<loop_core&>(self.owner), std::move(handler), options);
}

std::vector<address> all_interfaces(std::uint16_t port) {
    std::vector<address> both(2);
    (void)parse_numeric("0.0.0.0", port, both[0]);
    (void)parse_numeric("::", port, both[1]);
    return both;
}

void start_where_wanted(server& made, const server_options& options) {
    if (options.start_serving) made.start_serving();
}

}  // namespace

server serve(client_function* owned, std::string_view host, std::uint16_t port,
             const server_options& options) {
    server_core* const core = make_server("start_server", owned, options);
    server made(core);
    core->bind(host.empty() ? all_interfaces(port) : addresses_of(host, port));
    start_where_wanted(made, options);
    return made;
}

server serve_unix(client_function* owned, std::string_view path, const server_options& options) {
    server_core* const core = make_server("start_unix_server", owned, options);
    server made(core);
    core->bind_unix(path);
    start_where_wanted(made, options);
    return made;
}

}  // namespace detail
}  // namespace brio::inline v0
