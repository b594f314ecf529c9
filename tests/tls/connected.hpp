#pragma once
// Two ends that speak TLS with one another, each in a task of its own.

#include "tls/certificates.hpp"
#include "tls/channels.hpp"

#include <brio/tls.hpp>

#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <span>
#include <string>
#include <string_view>

namespace brio::testing_tls {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Of all tests: keys take time to make.
inline const authority& our_authority() {
    static const authority made("brio test authority");
    return made;
}
inline const identity& our_server() {
    static const identity made = our_authority().issue("DNS:localhost,IP:127.0.0.1,IP:::1");
    return made;
}
inline tls_options client_options() {
    return {.ca_pem = our_authority().certificate()};
}
inline tls_options server_options(const identity& shown = our_server()) {
    return {.certificate_pem = shown.certificate, .private_key_pem = shown.key};
}

inline std::unique_ptr<byte_channel> as_client(const tls_context& tls,
                                               std::unique_ptr<byte_channel> below,
                                               std::string_view host = "localhost") {
    const detail::channel_layer& layer = tls;
    return std::unique_ptr<byte_channel>(layer.client(below.release(), host));
}
inline std::unique_ptr<byte_channel> as_server(const tls_context& tls,
                                               std::unique_ptr<byte_channel> below) {
    const detail::channel_layer& layer = tls;
    return std::unique_ptr<byte_channel>(layer.server(below.release()));
}

inline channel_pair connected(channel_pair below, const tls_context& client,
                              const tls_context& server, std::string_view host = "localhost") {
    auto server_side =
        create_task([&server, &below] { return as_server(server, std::move(below.server)); });
    auto client_side = as_client(client, std::move(below.client), host);
    return {std::move(client_side), std::move(server_side).await()};
}
inline channel_pair connected(channel_pair below) {
    return connected(std::move(below), tls_context::client(client_options()),
                     tls_context::server(server_options()));
}

/// Through memory that holds no more than `capacity` from then on. (A server's handshake ends when
/// all it says is under way, so that the client would have to read meanwhile.)
inline channel_pair narrowly_connected(std::size_t capacity) {
    auto below = memory_pair();
    auto& wire = static_cast<memory_channel&>(*below.client);
    auto ends = connected(std::move(below));
    wire.set_capacity(capacity);
    return ends;
}

/// What each side says to a connection that must not come about.
struct refusal {
    std::string client;
    std::string server;
};
template <class Connect>
std::string words_of(Connect connect) {
    try {
        const auto channel = connect();
        // In TLS 1.3 a client is ready before the server has looked at its certificate.
        std::array<char, 1> byte;
        return channel->read(byte) == 0 ? "connected, and then the end" : "connected";
    } catch (const std::exception& e) {
        return e.what();
    }
}
inline refusal refused(const tls_context& client, const tls_context& server,
                       std::string_view host = "localhost") {
    auto below = memory_pair();
    auto server_side = create_task(
        [&] { return words_of([&] { return as_server(server, std::move(below.server)); }); });
    const std::string client_side =
        words_of([&] { return as_client(client, std::move(below.client), host); });
    return {client_side, server_side.await()};
}

// ---------------------------------------------------------------------------- what goes through it

inline void write_all(byte_channel& to, std::string_view text) {
    while (!text.empty()) text.remove_prefix(to.write(text));
}
inline std::string read_exactly(byte_channel& from, std::size_t size) {
    std::string text(size, '\0');
    std::size_t have = 0;
    while (have < size) {
        const std::size_t n = from.read(std::span(text).subspan(have));
        if (n == 0) break;
        have += n;
    }
    text.resize(have);
    return text;
}
inline std::string read_to_end(byte_channel& from) {
    std::string text;
    std::array<char, 4096> part;
    while (const std::size_t n = from.read(part)) text.append(part.data(), n);
    return text;
}

/// No two places in it look alike.
inline std::string much_text(std::size_t size) {
    std::string text;
    text.reserve(size + 16);
    for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i * 2654435761u) + ' ';
    text.resize(size);
    return text;
}

/// The client says goodbye, and then the server.
inline void close_both(channel_pair& ends) {
    auto closing = create_task([&] { ends.client->close(); });
    EXPECT_EQ(read_to_end(*ends.server), "");
    ends.server->close();
    closing.await();
}

}  // namespace brio::testing_tls
