#pragma once
// A byte_channel that is TLS above another one. OpenSSL reads and writes memory; what moves
// ciphertext between that memory and the channel below, and suspends, is here.
//
//   handshake -> open -> (goodbye said, or heard, or both) -> closed
//
// 1. Ciphertext leaves in the order in which OpenSSL made it: `unsent_`, then what is still in its
//    memory. `unsent_` does not move while somebody is `sending_`; he also takes what others add.
// 2. Only who writes, shakes hands or closes waits for the channel below to take ciphertext. A
//    reader, who makes some too (alerts, key updates), sends it when nobody is sending and it can
//    go at once; else the next write does. If he waited, two peers that write before they read
//    would wait for each other.
// 3. A plaintext byte counts as taken when its ciphertext has been handed down whole. `promised_`
//    bytes are encrypted and not taken yet: a write that was cancelled, or a try_write for which
//    there was no room. The next write begins with them (rule 3 of byte_channel), so that no byte is
//    encrypted twice, and none stays behind unnoticed in `unsent_`.
// 4. One fiber reads from below: the reader, also in place of one that closes meanwhile, who waits
//    until the reader has left (`closer_`).
// 5. The SSL object is used between suspensions only, in an openssl_call.

#include "scheduler/park.hpp"
#include "tls/openssl.hpp"
#include "tls/settings.hpp"

#include <brio/detail/byte_channel.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace brio::inline v0::detail {

class tls_channel final : public byte_channel {
public:
    /// `ssl` has memory to read from and to write to; `host` names the peer in errors, empty: its
    /// address does.
    tls_channel(std::unique_ptr<byte_channel> below, const tls_settings& settings, ssl_ptr ssl,
                std::string_view host);

    void handshake();

    std::size_t read(bytes_out out) override;
    std::size_t write(bytes_view data) override;
    std::size_t try_write(bytes_view data) override;
    [[nodiscard]] bool can_write_eof() const noexcept override;
    void write_eof() override;
    void close() override;
    void abort() noexcept override;
    [[nodiscard]] int descriptor() const noexcept override { return below_->descriptor(); }
    [[nodiscard]] std::string extra_info(std::string_view name) const override;

private:
    class reader_turn;
    class reader_left;

    void shake_hands();
    template <class Call>
    std::optional<std::size_t> ask(const char* what, Call call);
    std::size_t encrypt(bytes_view data);
    std::size_t take_promised(std::size_t most) noexcept;
    std::optional<std::size_t> read_on(bytes_out out);
    void say_goodbye();
    void part();
    void wait_for_reader();

    bool receive();
    bool collect();
    bool send_what_fits();
    void send_at_once() noexcept;
    void send_all();

    [[nodiscard]] std::string peer() const;

    std::unique_ptr<byte_channel> below_;  // dies last
    ssl_ptr ssl_;
    BIO* received_;  // ciphertext; both are the SSL object's
    BIO* made_;
    const std::string host_;
    const delay handshake_timeout_;
    const delay shutdown_timeout_;
    const bool suppress_ragged_eofs_;

    std::vector<char> unsent_;
    std::size_t sent_ = 0;  // of unsent_
    std::size_t promised_ = 0;
    bool sending_ = false;
    bool reading_ = false;
    bool closing_ = false;
    reader_left* closer_ = nullptr;
};

}  // namespace brio::inline v0::detail
