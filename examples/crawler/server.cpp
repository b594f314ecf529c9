// HTTP/1.1, one request a connection: GET and HEAD of the files under one directory.
//
// A client that leaves early is no error: its connection ends, and nobody else notices.

#include "server.hpp"

#include "url.hpp"

#include <brio/brio.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <optional>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <utility>

namespace crawler {
namespace {

constexpr std::size_t longest_request = 16 * 1024;

[[noreturn]] void fail(const char* call, int error) {
    throw std::system_error(error, std::generic_category(), call);
}

std::string_view content_type(std::string_view path) {
    static constexpr std::pair<std::string_view, std::string_view> types[] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".txt", "text/plain; charset=utf-8"},
        {".xml", "application/xml"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".gif", "image/gif"},
        {".jpg", "image/jpeg"},
        {".ico", "image/x-icon"}};
    for (const auto& [ending, type] : types)
        if (path.ends_with(ending)) return type;
    return "application/octet-stream";
}

/// False when the client has gone.
bool send_all(const descriptor& peer, std::string_view bytes, int flags = 0) {
    while (!bytes.empty()) {
        const ssize_t sent =
            ::send(peer.number(), bytes.data(), bytes.size(), flags | MSG_NOSIGNAL);
        if (sent < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

/// Up to the empty line; nothing when the client leaves before it, or sends too much.
std::string receive_head(const descriptor& peer) {
    std::string head;
    char buffer[4096];
    while (head.find("\r\n\r\n") == std::string::npos) {
        const ssize_t received = ::recv(peer.number(), buffer, sizeof buffer, 0);
        if (received <= 0 || head.size() > longest_request) return {};
        head.append(buffer, static_cast<std::size_t>(received));
    }
    return head;
}

struct request {
    std::string_view method;
    std::string_view target;
};
std::optional<request> parse(std::string_view head) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == last || !line.substr(last).starts_with(" HTTP/1.")) return std::nullopt;
    const request r{line.substr(0, first), line.substr(first + 1, last - first - 1)};
    if (!r.target.starts_with('/')) return std::nullopt;
    return r;
}

/// What a target names, below the root; none when it would lead out of it.
std::optional<std::string> path_below_root(std::string_view target) {
    std::string path = unescape(target.substr(0, target.find('?')));
    if (path.find('\0') != std::string::npos) return std::nullopt;
    if ((path + '/').find("/../") != std::string::npos) return std::nullopt;
    if (path.ends_with('/')) path += "index.html";
    return path;
}

std::string response_head(std::string_view status, std::string_view type, std::uint64_t length,
                          std::string_view more = {}) {
    std::string head = "HTTP/1.1 ";
    head.append(status).append("\r\nContent-Type: ").append(type);
    head.append("\r\nContent-Length: ").append(std::to_string(length));
    head.append("\r\nConnection: close\r\n").append(more).append("\r\n");
    return head;
}

void send_message(const descriptor& peer, const request& asked, std::string_view status,
                  std::string_view more = {}) {
    std::string response = response_head(status, "text/plain", status.size() + 1, more);
    if (asked.method != "HEAD") response.append(status).append("\n");
    send_all(peer, response);
}

/// Exactly `length` bytes, which the head has promised; fewer when the file has shrunk since.
void send_file(const descriptor& peer, const descriptor& file, std::uint64_t length) {
    char buffer[32 * 1024];
    while (length > 0) {
        const ssize_t size =
            ::read(file.number(), buffer, std::min<std::uint64_t>(length, sizeof buffer));
        if (size <= 0) return;
        if (!send_all(peer, {buffer, static_cast<std::size_t>(size)})) return;
        length -= static_cast<std::uint64_t>(size);
    }
}

}  // namespace

file_server::file_server(std::string root, std::chrono::milliseconds latency)
    : root_(std::move(root)),
      latency_(latency),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (!listener_) fail("socket", errno);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const name = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    if (::bind(listener_.number(), name, size) != 0) fail("bind", errno);
    if (::listen(listener_.number(), SOMAXCONN) != 0) fail("listen", errno);
    if (::getsockname(listener_.number(), name, &size) != 0) fail("getsockname", errno);
    port_ = ntohs(address.sin_port);
}

void file_server::run() const {
    brio::task_group([this](brio::task_group_scope& connections) {
        for (;;) {
            descriptor peer(::accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!peer && errno != ECONNABORTED) {
                const int error = errno;
                brio::yield();  // where a cancellation, which accept calls ECANCELED, is delivered
                fail("accept", error);
            }
            if (peer) connections.create_task([this, peer = std::move(peer)] { serve(peer); });
        }
    });
}

void file_server::serve(const descriptor& peer) const {
    const std::string head = receive_head(peer);
    if (head.empty()) return;
    std::this_thread::sleep_for(latency_);
    respond(peer, head);
}

void file_server::respond(const descriptor& peer, std::string_view request_head) const {
    const auto asked = parse(request_head);
    if (!asked) return send_message(peer, {"GET", "/"}, "400 Bad Request");
    const bool head_only = asked->method == "HEAD";
    if (asked->method != "GET" && !head_only)
        return send_message(peer, *asked, "405 Method Not Allowed", "Allow: GET, HEAD\r\n");
    const auto path = path_below_root(asked->target);
    if (!path) return send_message(peer, *asked, "403 Forbidden");

    const descriptor file(::open((root_ + *path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat facts = {};
    if (!file || ::fstat(file.number(), &facts) != 0)
        return send_message(peer, *asked, "404 Not Found");
    if (S_ISDIR(facts.st_mode)) {
        // Relative links of its page need the slash.
        const std::string_view name = asked->target.substr(0, asked->target.find('?'));
        return send_message(peer, *asked, "301 Moved Permanently",
                            "Location: " + std::string(name) + "/\r\n");
    }
    if (!S_ISREG(facts.st_mode)) return send_message(peer, *asked, "404 Not Found");

    const auto length = static_cast<std::uint64_t>(facts.st_size);
    const std::string head = response_head("200 OK", content_type(*path), length);
    // MSG_MORE: head and body share their first segment, so that neither waits for an acknowledgement.
    if (send_all(peer, head, head_only ? 0 : MSG_MORE) && !head_only) send_file(peer, file, length);
}

}  // namespace crawler
