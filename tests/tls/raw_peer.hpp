#pragma once
// A TLS peer that does what ours never does: asks for new keys, for a renegotiation, for TLS 1.2.

#include "tls/connected.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace brio::testing_tls {

class raw_peer {
public:
    /// The client of a connection through `below`.
    explicit raw_peer(byte_channel& below, int version = TLS1_3_VERSION)
        : below_(below), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
        SSL_CTX_set_min_proto_version(context_.get(), version);
        SSL_CTX_set_max_proto_version(context_.get(), version);
        ssl_.reset(SSL_new(context_.get()), SSL_free);
        SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_connect_state(ssl_.get());
    }

    void handshake() {
        EXPECT_EQ(pump([this] { return SSL_do_handshake(ssl_.get()); }), 1) << error();
    }
    void write(std::string_view text) {
        pump([&] { return SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())); });
    }
    /// Up to 100 bytes; "" at the end and after an error.
    std::string read() {
        std::array<char, 100> part;
        const int n = pump([&] { return SSL_read(ssl_.get(), part.data(), sizeof part); });
        return {part.data(), static_cast<std::size_t>(std::max(n, 0))};
    }
    /// With the next write, or handshake().
    void ask_for_new_keys() { SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED); }
    /// 1 when it has come about.
    int renegotiate() {
        SSL_renegotiate(ssl_.get());
        return pump([this] { return SSL_do_handshake(ssl_.get()); });
    }
    [[nodiscard]] std::string error() const { return error_; }

private:
    template <class Call>
    int pump(Call call) {
        for (;;) {
            ERR_clear_error();
            const int result = call();
            const bool wants_more =
                result <= 0 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
            if (const auto why = ERR_get_error(); why != 0) error_ = ERR_reason_error_string(why);
            send();
            if (!wants_more) return result;
            std::array<char, 16384> part;
            const std::size_t n = below_.read(part);
            if (n == 0) return 0;
            BIO_write(SSL_get_rbio(ssl_.get()), part.data(), static_cast<int>(n));
        }
    }
    void send() {
        std::array<char, 16384> part;
        for (;;) {
            const int n = BIO_read(SSL_get_wbio(ssl_.get()), part.data(), sizeof part);
            if (n <= 0) return;
            write_all(below_, {part.data(), static_cast<std::size_t>(n)});
        }
    }

    byte_channel& below_;
    std::shared_ptr<SSL_CTX> context_;
    std::shared_ptr<SSL> ssl_;
    std::string error_;
};

/// Ours is the server of a raw peer.
inline std::unique_ptr<byte_channel> server_of(raw_peer& peer, std::unique_ptr<byte_channel> below,
                                               const tls_options& options = server_options()) {
    const auto tls = tls_context::server(options);
    auto server = create_task([&] { return as_server(tls, std::move(below)); });
    peer.handshake();
    return std::move(server).await();
}

}  // namespace brio::testing_tls
