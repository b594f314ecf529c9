#pragma once
// What a tls_context holds.

#include "tls/openssl.hpp"

#include <brio/time.hpp>

#include <string>

namespace brio::inline v0::detail {

struct tls_settings {
    ssl_ctx_ptr context;  // counted by OpenSSL: each connection keeps it
    bool is_server;
    bool verifies_peer;  // of a client
    bool suppress_ragged_eofs;
    delay handshake_timeout;
    delay shutdown_timeout;
    std::string alpn_protocols;  // in the wire's form; read by a server's connections
};

}  // namespace brio::inline v0::detail
